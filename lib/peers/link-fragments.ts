import { FragmentAssembler } from '../wire/fragments.ts'
import type { LocalNode } from './local-node.ts'

/** The unfinished messages of one link. What never becomes whole is let go in time, though the peer may say nothing more. */
export class LinkFragments {
  readonly #node: LocalNode
  #assembler: FragmentAssembler | undefined
  #timer: Disposable | undefined
  #over = false

  constructor(node: LocalNode) {
    this.#node = node
  }

  /** Takes one piece; the whole frame when it was the last. Throws ERR_WIRE_*. */
  add(body: Uint8Array): Uint8Array | null {
    const assembler = (this.#assembler ??= new FragmentAssembler(this.#node.limits, this.#node.clock))
    const frame = assembler.add(body)
    this.#watch(assembler)
    return frame
  }

  /** The link is over: nothing more is waited for. */
  close(): void {
    this.#over = true
    this.#timer?.[Symbol.dispose]()
    this.#assembler = undefined
  }

  #watch(assembler: FragmentAssembler): void {
    if (this.#timer !== undefined || assembler.size === 0 || this.#over) return
    this.#timer = this.#node.clock.schedule(this.#node.limits.fragmentTimeoutMs, () => {
      this.#timer = undefined
      assembler.sweep(this.#node.clock.elapsedMs())
      this.#watch(assembler)
    })
  }
}
