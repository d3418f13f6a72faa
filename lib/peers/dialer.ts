import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { PeerAddresses } from '../contracts/peer.ts'
import type { ITransport } from '../contracts/transport.ts'
import { deferOn } from '../foundation/clock.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { textOf } from '../foundation/error-text.ts'
import { toHex } from '../foundation/hex.ts'
import { parseClose, PartKind, readParts } from '../wire/parts.ts'
import { CloseCode } from './close-reason.ts'
import { encodeHello, type Hello } from './hello.ts'
import type { LocalNode } from './local-node.ts'
import { isLocalHost, schemeOf } from './network-address.ts'
import { dialSecure, prepareDial, type DialSecureOptions, type PreparedDial, type SecureLink } from './noise/secure-link.ts'

/** Where to dial, and whom to expect there. */
export interface DialTarget {
  /** For error texts: the name, id or address the caller used. */
  who: string
  /** The key that must answer (XK); absent at first contact (XX). */
  key?: Uint8Array | undefined
  addresses: PeerAddresses
  /** Where others say it is: tried after the above, and never inside our own network. */
  hearsay?: PeerAddresses | undefined
}

export interface DialerOptions {
  node: LocalNode
  transports: readonly ITransport[]
  isPrivate(): boolean
  hello(): Hello
  /** Pays what a listener asks of strangers. */
  payWork(level: number, signal: AbortSignal): Promise<void>
}

type Attempt = { transport: ITransport; address: never; text: string; refuseLocal: boolean }

/** Tries each address a transport can dial until one completes the handshake as the expected key. */
export async function dialPeer(target: DialTarget, options: DialerOptions, signal: AbortSignal): Promise<SecureLink> {
  const attempts = attemptsFor(target, options)
  if (attempts.length === 0) throw nothingToDial(target, options.transports)
  const failures: unknown[] = []
  for (const attempt of attempts) {
    signal.throwIfAborted()
    try {
      return await dialAndPay(attempt, target, options, signal)
    } catch (error) {
      signal.throwIfAborted()
      failures.push(error)
    }
  }
  throw asDialError(failures, target, attempts)
}

/** The transport's name for a URL, by its scheme; undefined where no transport answers for it. */
export function transportFor(address: string, transports: readonly ITransport[]): ITransport | undefined {
  const scheme = schemeOf(address)
  return transports.find(transport => transport.schemes.includes(scheme))
}

function attemptsFor({ addresses, hearsay = {} }: DialTarget, { transports, isPrivate }: DialerOptions): Attempt[] {
  const given = attemptsAt(addresses, transports, false)
  const heard = attemptsAt(hearsay, transports, !isPrivate()).filter(({ address, text, refuseLocal }) => !given.some(attempt => attempt.address === address) && !(refuseLocal && isLocalHost(text)))
  return [...given, ...heard]
}

function attemptsAt(addresses: PeerAddresses, transports: readonly ITransport[], refuseLocal: boolean): Attempt[] {
  return transports.flatMap(transport => {
    const address = addresses[transport.name]
    return address === undefined ? [] : [{ transport, address: address as never, text: typeof address === 'string' ? address : transport.name, refuseLocal }]
  })
}

/** A listener that asks for work is dialled again with it; twice, as the price may have risen meanwhile. */
async function dialAndPay(attempt: Attempt, target: DialTarget, options: DialerOptions, signal: AbortSignal): Promise<SecureLink> {
  for (let paid = 0; ; paid++) {
    try {
      return await dialOne(attempt, target, options, signal)
    } catch (error) {
      if (!(error instanceof WorkAsked) || paid === PAYMENTS_MAX) throw error
      await options.payWork(error.level, signal)
    }
  }
}

const PAYMENTS_MAX = 2

/** The listener wants to see more work than our hello showed. */
class WorkAsked extends P2PError {
  readonly level: number

  constructor(who: string, level: number, peerId: string) {
    super(ErrorCode.PEER_WORK_REQUIRED, `${who} asks strangers for ${level} bits of work, and this node shows less`, { peerId })
    this.level = level
  }
}

async function dialOne(attempt: Attempt, target: DialTarget, options: DialerOptions, signal: AbortSignal): Promise<SecureLink> {
  const { node } = options
  const secureOptions: DialSecureOptions = {
    identity: node.identity,
    crypto: node.crypto,
    random: node.secretRandom,
    networkId: node.networkId,
    remoteKey: target.key,
    takeEphemeral: () => node.spareEphemeral.take(),
    hello: encodeHello(options.hello()),
    limits: node.limits,
    clock: node.clock,
    signal,
  }
  const opening = withDeadline(
    node.clock,
    { signal },
    inner => attempt.transport.dial(attempt.address, attempt.refuseLocal ? { signal: inner, refuseLocal: true } : { signal: inner }),
    { defaultTimeoutMs: node.limits.dialTimeoutMs, what: `dialling ${attempt.text}` },
  )
  const preparation = prepareMeanwhile(secureOptions)
  try {
    const channel = await opening
    const secure = await dialSecure(channel, { ...secureOptions, prepared: preparation.take() })
    mustBeWelcome(secure, target)
    return secure
  } finally {
    preparation.take()?.initiator.wipe()
    node.spareEphemeral.refill()
  }
}

/**
 * Computes act one while the socket opens, when this process has nothing else to do: a turn later, so that the transport's own
 * first words are out by then. Where the socket was faster there is nothing to take.
 */
function prepareMeanwhile(options: DialSecureOptions): { take(): PreparedDial | undefined } {
  let prepared: PreparedDial | null = null
  let isTaken = false
  deferOn(options.clock, () => {
    if (!isTaken) prepared = prepareDial(options)
  })
  return {
    take() {
      const taken = prepared
      isTaken = true
      prepared = null
      return taken ?? undefined
    },
  }
}

/** A listener without room says so right behind its hello. */
function mustBeWelcome(secure: SecureLink, { who }: DialTarget): void {
  const farewell = secure.firstParts === undefined ? undefined : farewellIn(secure.firstParts)
  if (farewell === undefined) return
  const { reason, text } = farewell
  secure.wipe()
  void secure.channel.close('remote')
  const peerId = toHex(secure.remoteKey)
  if (reason === CloseCode.LIMIT) throw new P2PError(ErrorCode.PEER_LIMIT_REACHED, `${who} has no room for another connection`, { peerId })
  if (reason === CloseCode.WORK && /^\d{1,3}$/.test(text)) throw new WorkAsked(who, Number(text), peerId)
  throw new P2PError(ErrorCode.PEER_DISCONNECTED, `${who} said goodbye with its hello (reason ${reason})`, { peerId })
}

/** Malformed parts are the link's to judge, not ours. */
function farewellIn(parts: Uint8Array): ReturnType<typeof parseClose> | undefined {
  let farewell: ReturnType<typeof parseClose> | undefined
  try {
    readParts(parts, (kind, body) => {
      if (kind === PartKind.CLOSE) farewell ??= parseClose(body)
    })
  } catch {
    return undefined
  }
  return farewell
}

function nothingToDial(target: DialTarget, transports: readonly ITransport[]): P2PError {
  const has = Object.keys({ ...target.addresses, ...target.hearsay }).join(', ')
  if (has === '') return new P2PError(ErrorCode.PEER_UNKNOWN, `no address is known for ${target.who}; connect with a PeerInfo or a URL first`, { peerId: target.who })
  const can = transports.map(transport => transport.name).join(', ') || 'no transport'
  return new P2PError(ErrorCode.TRANSPORT_NOT_AVAILABLE, `cannot dial ${target.who}: it has ${has}; this node has ${can}`, { peerId: target.who })
}

/** One failure is told as it is; of several, the last that got furthest speaks for all. */
function asDialError(failures: readonly unknown[], target: DialTarget, attempts: readonly Attempt[]): unknown {
  const told = failures.findLast(error => error instanceof P2PError && error.code.startsWith('ERR_PEER_')) ?? failures.at(-1)
  if (told instanceof P2PError && told.code === ErrorCode.PEER_HANDSHAKE_FAILED && target.key !== undefined) return notTheKey(told, target)
  if (failures.length === 1) return told
  const code = told instanceof P2PError ? told.code : ErrorCode.TRANSPORT_DIAL_FAILED
  const texts = failures.map((error, index) => `${attempts[index]!.text}: ${textOf(error)}`)
  return new P2PError(code, `could not reach ${target.who}: ${texts.join('; ')}`, { peerId: target.who, cause: new AggregateError(failures) })
}

/** With a known key the far end cannot answer act one unless it holds that key and is on this network. */
function notTheKey(cause: P2PError, target: DialTarget): P2PError {
  return new P2PError(
    ErrorCode.PEER_ID_MISMATCH,
    `${target.who} did not prove to hold the key ${toHex(target.key!)}: another key is there now, it is on another network, or it refuses handshakes at present (${cause.message})`,
    { peerId: toHex(target.key!), cause },
  )
}
