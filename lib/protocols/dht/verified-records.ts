import { P2PError, type ErrorCode } from '../../contracts/errors.ts'
import type { P2PMessage } from '../../contracts/message.ts'
import { equalBytes } from '../../foundation/bytes.ts'
import { toHex } from '../../foundation/hex.ts'
import { FRAME_BYTES_MAX } from './limits.ts'
import type { Targets } from './position.ts'
import { mayPublish, readStatement, type Stored } from './record.ts'

export const BAD_RECORD: ErrorCode = 'ERR_DHT_BAD_RECORD'

/** Frames remembered as good: the copies of a record are many, and all the same. */
const REMEMBERED_MAX = 4_096

/**
 * The one way from a frame to a record: form, proof and network by the house, then what the record says. Only what was found good is remembered,
 * by its bytes, so that twenty copies cost one signature.
 */
export class VerifiedRecords {
  readonly #verify: (frame: Uint8Array) => Promise<P2PMessage>
  readonly #targets: Targets
  #known = new Map<string, Stored>()
  #before = new Map<string, Stored>()

  constructor(verify: (frame: Uint8Array) => Promise<P2PMessage>, targets: Targets) {
    this.#verify = verify
    this.#targets = targets
  }

  /** The record, or the code of what is wrong with it. */
  async read(frame: Uint8Array): Promise<Stored | ErrorCode> {
    if (frame.length > FRAME_BYTES_MAX || frame.length < 99) return BAD_RECORD
    const key = toHex(frame.subarray(34, 66))
    const known = this.#known.get(key) ?? this.#before.get(key)
    if (known !== undefined && equalBytes(known.frame, frame)) return known
    let message: P2PMessage
    try {
      message = await this.#verify(frame)
    } catch (error) {
      return error instanceof P2PError ? error.code : BAD_RECORD
    }
    const statement = readStatement(message)
    if (statement === null || !mayPublish(message.from, statement.id)) return BAD_RECORD
    const record: Stored = { ...statement, publisher: message.from, frame, entry: this.#targets.entry(message.from, statement.type, statement.id) }
    this.#remember(key, record)
    return record
  }

  #remember(key: string, record: Stored): void {
    if (this.#known.size >= REMEMBERED_MAX / 2) {
      this.#before = this.#known
      this.#known = new Map()
    }
    this.#known.set(key, record)
  }
}
