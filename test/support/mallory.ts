import { ErrorCode, P2PError } from '../../lib/contracts/errors.ts'
import type { IChannel, ITransport } from '../../lib/contracts/transport.ts'
import { createIdentity } from '../../lib/crypto/identity.ts'
import { fromHex } from '../../lib/foundation/hex.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { encodeHello, type Hello } from '../../lib/peers/hello.ts'
import { createLocalNode, plainVocabulary, type LocalNode, type LocalNodeOptions } from '../../lib/peers/local-node.ts'
import { acceptSecure, dialSecure, type SecureLink } from '../../lib/peers/noise/secure-link.ts'
import type { OutgoingFields } from '../../lib/wire/author.ts'
import { PartKind, readParts, writeParts, type Part } from '../../lib/wire/parts.ts'
import { fastBackend } from './backends.ts'
import { TurnClock } from './turn-clock.ts'
import { until } from './until.ts'

export interface MalloryOptions extends LocalNodeOptions {
  /** Whose door; without it the handshake is that of first contact. */
  victim?: string
  protocols?: Hello['protocols']
  boot?: Uint8Array
  /** What her key has cost: none by default. */
  work?: Uint8Array
  /** Reads nothing once the handshake is over. */
  deaf?: boolean
}

const backend = await fastBackend()

/** A peer that completes the handshake and then says whatever a test wants, rules or no rules. */
export class Mallory {
  readonly self: LocalNode
  readonly link: SecureLink
  /** What the victim sent, part by part. */
  readonly heard: Part[] = []
  /** Set when the victim has hung up, to how it ended. */
  ended: string | undefined

  private constructor(self: LocalNode, link: SecureLink, { deaf = false }: MalloryOptions) {
    this.self = self
    this.link = link
    if (link.firstParts) this.#hear(link.firstParts)
    if (!deaf) void this.listen()
  }

  /** Somebody with a key, and what it takes to make frames. */
  static person(options: LocalNodeOptions = {}): LocalNode {
    const crypto = { base: () => backend, best: async () => ({ backend, notes: [] }) }
    return createLocalNode({ clock: new TurnClock(), crypto, identity: createIdentity({ backend }), ...options }, plainVocabulary(DEFAULT_LIMITS))
  }

  static async dial(transport: ITransport, address: string, options: MalloryOptions = {}): Promise<Mallory> {
    return await Mallory.over(await transport.dial(address as never), options)
  }

  static async over(channel: IChannel, options: MalloryOptions = {}): Promise<Mallory> {
    const self = Mallory.person(options)
    return new Mallory(self, await dialSecure(channel, { ...Mallory.#secure(self, options), remoteKey: options.victim === undefined ? undefined : fromHex(options.victim) }), options)
  }

  /** Answers somebody who dialled. */
  static async answer(channel: IChannel, options: MalloryOptions = {}): Promise<Mallory> {
    const self = Mallory.person(options)
    return new Mallory(self, await acceptSecure(channel, Mallory.#secure(self, options)), options)
  }

  static #secure(self: LocalNode, options: MalloryOptions) {
    const hello: Hello = {
      boot: options.boot ?? self.boot, timestampMs: self.clock.now(), role: 'client', addresses: [], protocols: options.protocols ?? [], work: options.work ?? new Uint8Array(0),
    }
    return {
      identity: self.identity, crypto: () => self.crypto(), random: self.secretRandom, networkId: self.networkId,
      hello: encodeHello(hello), limits: DEFAULT_LIMITS, clock: self.clock,
    }
  }

  get id(): string {
    return this.self.id
  }

  /** Parts in one sealed frame. */
  async say(...parts: Part[]): Promise<void> {
    await this.link.channel.send(this.link.seal(writeParts(parts)))
  }

  /** Plaintext that need not be parts at all. */
  async sayRaw(plaintext: Uint8Array): Promise<void> {
    await this.link.channel.send(this.link.seal(plaintext))
  }

  /** A message that only the link vouches for. */
  plain(fields: OutgoingFields): Part {
    return { kind: PartKind.MESSAGE, body: this.self.author.channelFrame(fields) }
  }

  async signed(fields: OutgoingFields): Promise<Part> {
    return { kind: PartKind.MESSAGE, body: await signedFrame(this.self, fields) }
  }

  heardOf(kind: PartKind): Part[] {
    return this.heard.filter(part => part.kind === kind)
  }

  async hangUp(): Promise<void> {
    await this.link.channel.close()
  }

  #hear(plaintext: Uint8Array): void {
    readParts(plaintext, (kind, body) => void this.heard.push({ kind, body: body.slice() }))
  }

  /** Begins to read, where it has not yet. */
  async listen(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.link.frames.next()
        if (done) break
        const plaintext = this.link.open(value)
        if (plaintext === null) throw new P2PError(ErrorCode.PEER_UNSEALING_FAILED, 'a frame did not open')
        this.#hear(plaintext)
      }
      this.ended = 'closed'
    } catch (error) {
      this.ended = String(error)
    }
  }
}

/** The frame of a message, signed. */
export async function signedFrame(self: LocalNode, fields: OutgoingFields): Promise<Uint8Array> {
  return await new Promise((resolve, reject) => {
    self.author.sign(fields, (error, signed) => (signed === null ? reject(error as Error) : resolve(signed.frame)))
  })
}

/** Waits until mallory has been hung up on. */
export function hungUpOn(mallory: Mallory): Promise<void> {
  return until(() => mallory.ended, 'mallory to be hung up on')
}
