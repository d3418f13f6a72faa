import { aloneFrame, aloneSize, encodeBurst, type Burst, type BurstMessage } from './burst.ts'
import { Auth, encodeFrame, frameSize } from './frame.ts'
import type { MerkleTree } from './merkle.ts'

/** A message of ours that its author has signed, alone or with others: ready to leave in either form. */
export interface SignedMessage extends BurstMessage {
  readonly messageId: string
  readonly header: Uint8Array
  readonly payload: Uint8Array
  /** Of `frame`, in bytes. */
  readonly size: number
  /** The form in which it proves itself alone; made when first asked for. */
  readonly frame: Uint8Array
  /** Its place among those that were signed with it; undefined for one signed plainly. */
  readonly burst: BurstPlace | undefined
}

export interface BurstPlace {
  /** The same object for all messages of one burst. */
  readonly key: object
  readonly index: number
  readonly count: number
}

/** What a message consists of before it is signed. */
export interface Draft extends BurstMessage {
  readonly messageId: string
}

/** Signed by itself. */
export class PlainlySigned implements SignedMessage {
  readonly messageId: string
  readonly header: Uint8Array
  readonly payload: Uint8Array
  readonly size: number
  readonly burst = undefined
  readonly #author: Uint8Array
  readonly #signature: Uint8Array
  #frame: Uint8Array | undefined

  constructor(draft: Draft, author: Uint8Array, signature: Uint8Array) {
    this.messageId = draft.messageId
    this.header = draft.header
    this.payload = draft.payload
    this.size = frameSize(signature.length, draft.header.length, draft.payload.length)
    this.#author = author
    this.#signature = signature
  }

  get frame(): Uint8Array {
    return (this.#frame ??= encodeFrame(Auth.SIGNATURE, this.#author, this.#signature, this.header, this.payload))
  }
}

/** Messages under one signature. Its body is made once, however many peers it goes to. */
export class SignedBurst implements Burst<Draft> {
  readonly author: Uint8Array
  readonly signature: Uint8Array
  readonly messages: readonly Draft[]
  readonly tree: MerkleTree<Uint8Array>
  #body: Uint8Array | undefined

  constructor(author: Uint8Array, signature: Uint8Array, messages: readonly Draft[], tree: MerkleTree<Uint8Array>) {
    this.author = author
    this.signature = signature
    this.messages = messages
    this.tree = tree
  }

  get body(): Uint8Array {
    return (this.#body ??= encodeBurst(this))
  }
}

/** Signed with others. */
export class SignedInBurst implements SignedMessage {
  readonly messageId: string
  readonly header: Uint8Array
  readonly payload: Uint8Array
  readonly size: number
  readonly burst: BurstPlace & { readonly key: SignedBurst }
  #frame: Uint8Array | undefined

  constructor(key: SignedBurst, index: number) {
    const draft = key.messages[index]!
    const count = key.messages.length
    this.messageId = draft.messageId
    this.header = draft.header
    this.payload = draft.payload
    this.size = aloneSize(draft, index, count)
    this.burst = { key, index, count }
  }

  get frame(): Uint8Array {
    return (this.#frame ??= this.#alone())
  }

  #alone(): Uint8Array {
    const { key: { author, signature, tree }, index, count } = this.burst
    return aloneFrame({ author, signature, count, index, path: tree.path(index) }, this)
  }
}

/** The body of part 02, if these are all messages of one burst in its order; else null, and each goes alone. */
export function wholeBurst(messages: readonly SignedMessage[]): Uint8Array | null {
  const first = messages[0]
  if (!(first instanceof SignedInBurst) || messages.length !== first.burst.count) return null
  const { key } = first.burst
  return messages.every((message, index) => message.burst?.key === key && message.burst.index === index) ? key.body : null
}
