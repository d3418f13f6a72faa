import type { IClock } from '../contracts/clock.ts'
import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { Limits } from '../contracts/limits.ts'
import { FRAGMENT_HEAD_BYTES } from './parts.ts'

/** The bodies of part 03 that carry `frame`, in order, each with at most `pieceBytesMax` bytes of it. `id` is a uint32. */
export function splitFrame(frame: Uint8Array, id: number, pieceBytesMax: number): Uint8Array[] {
  const bodies: Uint8Array[] = []
  for (let offset = 0; offset < frame.length; offset += pieceBytesMax) {
    const piece = frame.subarray(offset, offset + pieceBytesMax)
    const body = new Uint8Array(FRAGMENT_HEAD_BYTES + piece.length)
    const view = new DataView(body.buffer)
    view.setUint32(0, id)
    view.setUint32(4, frame.length)
    view.setUint32(8, offset)
    body.set(piece, FRAGMENT_HEAD_BYTES)
    bodies.push(body)
  }
  return bodies
}

/** A message that has begun to arrive. */
interface Assembly {
  readonly total: number
  readonly startedAtMs: number
  /** Holds `received` bytes, and room for at most as many again. */
  bytes: Uint8Array
  received: number
}

type FragmentLimits = Pick<Limits, 'largeMessageBytesMax' | 'fragmentAssembliesMax' | 'fragmentTimeoutMs'>

/**
 * Puts one peer's fragments together. Memory follows what has arrived, never what was announced: somebody
 * who announces a mebibyte pays for it byte by byte.
 */
export class FragmentAssembler {
  readonly #limits: FragmentLimits
  readonly #clock: Pick<IClock, 'elapsedMs'>
  readonly #assemblies = new Map<number, Assembly>()

  constructor(limits: FragmentLimits, clock: Pick<IClock, 'elapsedMs'>) {
    this.#limits = limits
    this.#clock = clock
  }

  /** Messages under way. */
  get size(): number {
    return this.#assemblies.size
  }

  /** Bytes of memory held for them. */
  get bytesHeld(): number {
    let held = 0
    for (const { bytes } of this.#assemblies.values()) held += bytes.length
    return held
  }

  /**
   * Takes the body of a fragment; returns the whole frame if this was its last. A fragment that does not continue
   * its message ends it. Throws ERR_WIRE_MALFORMED, ERR_WIRE_FRAME_TOO_LARGE.
   */
  add(body: Uint8Array): Uint8Array | null {
    this.sweep(this.#clock.elapsedMs())
    if (body.length <= FRAGMENT_HEAD_BYTES) malformed(`expected more than ${FRAGMENT_HEAD_BYTES} bytes, got ${body.length}`)
    const view = new DataView(body.buffer, body.byteOffset, body.length)
    const id = view.getUint32(0)
    const total = view.getUint32(4)
    const offset = view.getUint32(8)
    const assembly = offset === 0 ? this.#begin(id, total) : this.#assemblies.get(id)
    if (assembly === undefined) return malformed(`expected message ${id} to begin at 0, got bytes from ${offset}: never begun, or given up after ${this.#limits.fragmentTimeoutMs} ms`)
    const piece = body.subarray(FRAGMENT_HEAD_BYTES)
    this.#check(id, assembly, total, offset, piece.length)
    append(assembly, piece)
    if (assembly.received < assembly.total) return null
    this.#assemblies.delete(id)
    return assembly.bytes
  }

  /** Gives up what has been arriving for too long, by the monotonic clock. Returns how many messages that were. */
  sweep(nowMs: number): number {
    let dropped = 0
    for (const [id, { startedAtMs }] of this.#assemblies) {
      if (nowMs - startedAtMs < this.#limits.fragmentTimeoutMs) continue
      this.#assemblies.delete(id)
      dropped++
    }
    return dropped
  }

  #begin(id: number, total: number): Assembly {
    const { largeMessageBytesMax, fragmentAssembliesMax } = this.#limits
    if (this.#assemblies.delete(id)) malformed(`message ${id} begins again before its end`)
    if (total > largeMessageBytesMax) {
      throw new P2PError(ErrorCode.WIRE_FRAME_TOO_LARGE, `fragment: expected a message of at most ${largeMessageBytesMax} bytes, got one of ${total}`)
    }
    if (this.#assemblies.size >= fragmentAssembliesMax) malformed(`expected at most ${fragmentAssembliesMax} messages under way, got another`)
    const assembly: Assembly = { total, startedAtMs: this.#clock.elapsedMs(), bytes: new Uint8Array(0), received: 0 }
    this.#assemblies.set(id, assembly)
    return assembly
  }

  #check(id: number, assembly: Assembly, total: number, offset: number, size: number): void {
    const { received } = assembly
    if (total === assembly.total && offset === received && size <= total - received) return
    this.#assemblies.delete(id)
    malformed(`expected bytes from ${received} of ${assembly.total} of message ${id}, got ${size} from ${offset} of ${total}`)
  }
}

/** Doubling keeps the copies few however small the pieces are; the last piece fits exactly. */
function append(assembly: Assembly, piece: Uint8Array): void {
  const end = assembly.received + piece.length
  if (end > assembly.bytes.length) {
    const larger = new Uint8Array(Math.min(assembly.total, end + assembly.received))
    larger.set(assembly.bytes.subarray(0, assembly.received))
    assembly.bytes = larger
  }
  assembly.bytes.set(piece, assembly.received)
  assembly.received = end
}

function malformed(text: string): never {
  throw new P2PError(ErrorCode.WIRE_MALFORMED, `fragment: ${text}`)
}
