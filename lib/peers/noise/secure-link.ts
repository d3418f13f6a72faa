import type { IClock } from '../../contracts/clock.ts'
import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { ErrorCode, P2PError } from '../../contracts/errors.ts'
import type { IIdentity } from '../../contracts/identity.ts'
import type { Limits } from '../../contracts/limits.ts'
import type { RandomBytes } from '../../contracts/random.ts'
import type { IChannel } from '../../contracts/transport.ts'
import { concatBytes, EMPTY_BYTES, equalBytes } from '../../foundation/bytes.ts'
import { withDeadline } from '../../foundation/deadline.ts'
import { toHex } from '../../foundation/hex.ts'
import { decodeHello, type Hello } from '../hello.ts'
import { HandshakeChannel, closeQuietly, type Step } from './handshake-channel.ts'
import type { Ephemeral } from './ephemeral.ts'
import { Initiator, Responder } from './handshake.ts'
import { helloPart, splitHelloPart } from './hello-part.ts'
import { evenPoint, handshakeError, staticKeyOf, type LinkKeys, type PartyOptions } from './party.ts'
import { HELLO_BYTES_MAX, prologueOf, type Pattern } from './pattern.ts'

export interface SecureOptions {
  identity: IIdentity
  /** Asked once, as the handshake begins: a faster backend may have been loaded by then. */
  crypto: () => ICryptoBackend
  /** Draws the ephemeral secret: never pooled, never shared. */
  random: RandomBytes
  networkId: string
  /** What the other end learns of us, from `encodeHello`. */
  hello: Uint8Array
  limits: Pick<Limits, 'handshakeTimeoutMs' | 'handshakeFrameBytesMax' | 'channelFrameBytesMax'>
  clock: IClock
  signal?: AbortSignal | undefined
  /** For a listener that may have to refuse a key it has just met: the parts that follow its hello and say why. */
  farewellTo?: ((key: Uint8Array, hello: Hello) => Promise<Uint8Array | undefined>) | undefined
  /** For a listener that has named its ephemeral key with the channel's greeting: that key, to be used up. */
  ephemeralOf?: ((greeting: Uint8Array) => Ephemeral | undefined) | undefined
}

export interface DialSecureOptions extends SecureOptions {
  /** The x-only key that has to answer (XK). Without it this is first contact (XX): any key may. */
  remoteKey?: Uint8Array | undefined
  /** Where `prepareDial` gets its key, if not by drawing one. */
  takeEphemeral?: (() => Ephemeral) | undefined
  /** From `prepareDial` with these options; it is used up. */
  prepared?: PreparedDial | undefined
}

/** The dialler's first act, computed before the socket stood. */
export interface PreparedDial {
  readonly initiator: Initiator
  readonly actOne: Uint8Array
}

/** A channel whose both ends have proved their keys: what is sealed here opens there, and nowhere else. */
export class SecureLink {
  readonly channel: IChannel
  readonly pattern: Pattern
  readonly direction: 'inbound' | 'outbound'
  /** 32 bytes, x-only. */
  readonly remoteKey: Uint8Array
  readonly remoteHello: Hello
  /** Parts that came in the same sealed frame as the hello, after it: to be read before `frames`. */
  readonly firstParts: Uint8Array | undefined
  /** The rest of the channel's frames. The link's owner is their one reader. */
  readonly frames: AsyncIterator<Uint8Array>
  readonly #keys: LinkKeys

  constructor(link: Pick<SecureLink, 'channel' | 'pattern' | 'direction' | 'remoteKey' | 'remoteHello' | 'firstParts' | 'frames'>, keys: LinkKeys) {
    this.channel = link.channel
    this.pattern = link.pattern
    this.direction = link.direction
    this.remoteKey = link.remoteKey
    this.remoteHello = link.remoteHello
    this.firstParts = link.firstParts
    this.frames = link.frames
    this.#keys = keys
  }

  /** Frames must be sent in the order in which they were sealed. Throws ERR_PEER_NOT_CONNECTED after `wipe`. */
  seal(plaintext: Uint8Array): Uint8Array {
    return this.#keys.sealing.seal(plaintext)
  }

  /** Null for a frame that does not open, and for every frame after it: the link is to be cut. */
  open(sealed: Uint8Array): Uint8Array | null {
    return this.#keys.opening.open(sealed)
  }

  /** Forgets the keys; part of closing. */
  wipe(): void {
    this.#keys.sealing.wipe()
    this.#keys.opening.wipe()
  }
}

/**
 * Proves our key to the listener at the other end and has it prove its own. Throws ERR_PEER_HANDSHAKE_FAILED,
 * ERR_PEER_HANDSHAKE_TIMEOUT or ERR_PEER_IS_SELF, and RangeError for a `remoteKey` or `hello` that
 * cannot be one; the channel is then closed.
 */
export async function dialSecure(channel: IChannel, options: DialSecureOptions): Promise<SecureLink> {
  return await secured(channel, options, options.remoteKey, async (talk, own) => {
    const { hello, limits, remoteKey, prepared } = options
    if (remoteKey) refuseSelf(remoteKey, options)
    const initiator = talk.keep(prepared?.initiator ?? initiatorFor(own, remoteKey))
    await talk.send('act one', prepared?.actOne ?? initiator.actOne())
    // The listener is at its part of the curve now: time for ours.
    if (channel.greeting !== undefined) initiator.foresee(channel.greeting)
    await initiator.actTwo(await talk.receive('act two', limits.handshakeFrameBytesMax, hangUpMeaning(remoteKey)))
    const provedKey = xOnly(initiator.remoteStatic)
    refuseSelf(provedKey, options)
    const actThree = await initiator.actThree(hello)
    // The answer to it may be as large as any frame of a link.
    channel.setFrameBytesMax?.(limits.channelFrameBytesMax)
    await talk.send('act three', actThree)
    const keys = keptKeys(talk, initiator)
    const first = openFirst(keys, await talk.receive(FIRST_FRAME, limits.channelFrameBytesMax, 'it did not take our act three, or refuses our key or hello'))
    return new SecureLink({ channel, pattern: initiator.pattern, direction: 'outbound', remoteKey: provedKey, ...first, frames: talk.frames }, keys)
  })
}

/**
 * Computes act one while the socket is still being opened: the curve's part of it would else be waited for. Null for options that
 * `dialSecure` refuses. What is not handed to `dialSecure` must be wiped.
 */
export function prepareDial(options: DialSecureOptions): PreparedDial | null {
  const { crypto, hello, identity, networkId, random, remoteKey, takeEphemeral } = options
  const backend = crypto()
  if (mistakeIn(backend, hello, remoteKey)) return null
  const initiator = initiatorFor({ backend, random, ephemeral: takeEphemeral?.(), prologue: prologueOf(networkId), staticKey: staticKeyOf(identity) }, remoteKey)
  return { initiator, actOne: initiator.actOne() }
}

function initiatorFor(own: PartyOptions, remoteKey: Uint8Array | undefined): Initiator {
  return new Initiator(remoteKey ? { ...own, pattern: 'XK', remoteStatic: evenPoint(remoteKey) } : { ...own, pattern: 'XX' })
}

/**
 * Answers the dialler at the other end. Throws ERR_PEER_HANDSHAKE_FAILED, ERR_PEER_HANDSHAKE_TIMEOUT
 * or ERR_PEER_IS_SELF, and RangeError for a `hello` that cannot be one; the channel is then closed.
 */
export async function acceptSecure(channel: IChannel, options: SecureOptions): Promise<SecureLink> {
  return await secured(channel, options, undefined, async (talk, own) => {
    const { farewellTo, hello, limits } = options
    const ephemeral = channel.greeting && options.ephemeralOf?.(channel.greeting)
    const responder = talk.keep(new Responder({ ...own, ephemeral }))
    // Act one is on its way.
    responder.prepare()
    await responder.actOne(await talk.receive('act one', limits.handshakeFrameBytesMax, 'it dialled for nothing'))
    await talk.send('act two', await responder.actTwo())
    const actThree = await talk.receive('act three', limits.handshakeFrameBytesMax, 'it may have expected another key, or be on another network')
    const dialler = await responder.actThree(actThree)
    const remoteKey = xOnly(dialler.remoteStatic)
    refuseSelf(remoteKey, options)
    const remoteHello = decodeHello(dialler.hello)
    const keys = keptKeys(talk, responder)
    channel.setFrameBytesMax?.(limits.channelFrameBytesMax)
    await talk.send(FIRST_FRAME, keys.sealing.seal(concatBytes(helloPart(hello), (await farewellTo?.(remoteKey, remoteHello)) ?? EMPTY_BYTES)))
    return new SecureLink({ channel, pattern: responder.pattern!, direction: 'inbound', remoteKey, remoteHello, firstParts: undefined, frames: talk.frames }, keys)
  })
}

const FIRST_FRAME = 'first sealed frame' satisfies Step
const KEY_BYTES = 32

/** Runs a handshake; whatever goes wrong closes the channel without a word and wipes what was computed. */
async function secured(
  channel: IChannel,
  options: SecureOptions,
  remoteKey: Uint8Array | undefined,
  run: (talk: HandshakeChannel, own: PartyOptions) => Promise<SecureLink>,
): Promise<SecureLink> {
  const { clock, crypto, hello, identity, limits, networkId, random, signal } = options
  const backend = crypto()
  const mistake = mistakeIn(backend, hello, remoteKey)
  if (mistake) {
    closeQuietly(channel)
    throw mistake
  }
  let talk: HandshakeChannel | undefined
  try {
    return await withDeadline(clock, { signal, timeoutMs: limits.handshakeTimeoutMs }, async stop => {
      talk = new HandshakeChannel(channel, stop)
      return await run(talk, { backend, random, prologue: prologueOf(networkId), staticKey: staticKeyOf(identity) })
    }, { what: 'the handshake' })
  } catch (error) {
    if (talk) talk.abandon()
    else closeQuietly(channel)
    throw asHandshakeError(error, talk?.step, signal)
  }
}

/** What only our own caller can have got wrong. */
function mistakeIn(backend: ICryptoBackend, hello: Uint8Array, remoteKey: Uint8Array | undefined): RangeError | undefined {
  if (hello.length === 0 || hello.length > HELLO_BYTES_MAX) return new RangeError(`expected a hello of 1 to ${HELLO_BYTES_MAX} bytes, got ${hello.length}`)
  if (remoteKey && (remoteKey.length !== KEY_BYTES || backend.liftX(remoteKey) === null)) return new RangeError(`no public key of secp256k1: ${toHex(remoteKey.subarray(0, KEY_BYTES))}`)
  return undefined
}

const HANDSHAKE_CODES: readonly string[] = [ErrorCode.PEER_HANDSHAKE_FAILED, ErrorCode.PEER_HANDSHAKE_TIMEOUT, ErrorCode.PEER_IS_SELF]

function asHandshakeError(error: unknown, step: Step = 'act one', signal: AbortSignal | undefined): P2PError {
  if (error instanceof P2PError && HANDSHAKE_CODES.includes(error.code)) return error
  if (signal?.aborted) return handshakeError(`${step}: our side gave the handshake up`, error)
  const reason = `${step}: ${error instanceof Error ? error.message : String(error)}`
  if (error instanceof DOMException && error.name === 'TimeoutError') return new P2PError(ErrorCode.PEER_HANDSHAKE_TIMEOUT, reason, { cause: error })
  return handshakeError(reason, error)
}

/** Checked only against keys that were given or have been proved: anyone can claim ours. */
function refuseSelf(remoteKey: Uint8Array, { identity }: SecureOptions): void {
  if (!equalBytes(remoteKey, identity.publicKey)) return
  const peerId = toHex(remoteKey)
  throw new P2PError(ErrorCode.PEER_IS_SELF, `the other end holds our own key ${peerId}: this address is our own`, { peerId })
}

/** XK tells no difference between a wrong key and a wrong network: the listener fails to open act one and hangs up. */
function hangUpMeaning(remoteKey: Uint8Array | undefined): string {
  return remoteKey ? `it does not hold the key ${toHex(remoteKey)}, or is on another network, or has no room` : 'it may have no room'
}

function keptKeys(talk: HandshakeChannel, party: { split(): LinkKeys }): LinkKeys {
  const keys = party.split()
  talk.keep(keys.sealing)
  talk.keep(keys.opening)
  return keys
}

function openFirst(keys: LinkKeys, sealed: Uint8Array): { remoteHello: Hello; firstParts: Uint8Array | undefined } {
  const plaintext = keys.opening.open(sealed)
  if (plaintext === null) throw handshakeError(`${FIRST_FRAME}: does not open`)
  const { hello, rest } = splitHelloPart(plaintext)
  return { remoteHello: decodeHello(hello), firstParts: rest.length > 0 ? rest : undefined }
}

function xOnly(point: Uint8Array | undefined): Uint8Array {
  if (point === undefined) throw new Error('no key has been proved yet')
  return point.subarray(1)
}
