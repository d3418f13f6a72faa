import type { IProtocolHandler, P2PMessage, ProtocolContext } from '../../lib/index.ts'
import { CoinJoin, type CoinJoinOptions, type ICoinJoinWallet } from '../../lib/protocols/coinjoin/index.node.ts'

/**
 * What a node can do that does not keep to the rules: everything here goes through the doors that any application has, a wallet, a
 * cryptographic backend and the context of a plugin.
 */
export const CHEATS = {
  garbage: 'its pads are wrong, so the sums add up to nothing',
  silent: 'it never opens its commitment',
  'false-alarm': 'it says that its output is missing, when it is not',
  'bad-signature': 'it acknowledges the transaction and signs something else',
  equivocate: 'it acknowledges to some and refuses to others',
} as const
export type CheatName = keyof typeof CHEATS

/** Wallet and handler of a node that cheats so. */
export function cheating(cheat: CheatName, options: CoinJoinOptions, wallet: ICoinJoinWallet): { handler: CoinJoin; wallet: ICoinJoinWallet } {
  const mind: Mind = { cheat, dropped: new Set(), forked: new Map(), heardForks: new Map(), key: undefined }
  const { crypto } = options
  // In every pad another bit of the first element is turned, so that no two errors cancel.
  let pads = 0
  const wrongPad = (stream: Uint8Array): Uint8Array => {
    const bit = pads++ % 64
    return stream.map((byte, at) => (at === 47 - (bit >> 3) ? byte ^ (1 << (bit & 7)) : byte))
  }
  const wrongPads = crypto && { ...boundTo(crypto), stream: (key: Uint8Array, nonce: Uint8Array, length: number) => wrongPad(crypto.stream(key, nonce, length)) }
  return { handler: new Cheat({ ...options, ...(cheat === 'garbage' ? { crypto: wrongPads } : {}) }, mind), wallet: cheatingWallet(wallet, mind) }
}

interface Mind {
  readonly cheat: CheatName
  /** Frames that are never sent. */
  readonly dropped: Set<string>
  /** Frames in place of which half of the members get another. */
  readonly forked: Map<string, Uint8Array>
  /** Members, and whether they are told the other frame: every second one is. */
  readonly heardForks: Map<string, boolean>
  /** The output key that the rules were told, while we may still change it. */
  key: Uint8Array | undefined
}

function cheatingWallet(wallet: ICoinJoinWallet, mind: Mind): ICoinJoinWallet {
  return {
    coins: () => wallet.coins(),
    prove: (coin, message) => wallet.prove(coin, message),
    changeScript: () => wallet.changeScript(),
    freshKey: async () => (mind.key = await wallet.freshKey()),
    sign: async request => {
      const witnesses = await wallet.sign(request)
      return mind.cheat === 'bad-signature' ? witnesses.map(items => items.map((item, at) => (at === 0 ? item.map((byte, i) => (i === 20 ? byte ^ 1 : byte)) : item))) : witnesses
    },
  }
}

class Cheat extends CoinJoin {
  readonly #mind: Mind

  constructor(options: CoinJoinOptions, mind: Mind) {
    super(options)
    this.#mind = mind
  }

  override onRegister(context: ProtocolContext): void {
    const mind = this.#mind
    super.onRegister(changed(context, { ephemeral: handler => context.ephemeral(underInfluence(handler, mind)) }))
  }
}

/** The round's own identity, with a context that does not do what it is told. */
function underInfluence(handler: IProtocolHandler, mind: Mind): IProtocolHandler {
  return {
    protocolName: handler.protocolName,
    ...(handler.definition === undefined ? {} : { definition: handler.definition }),
    handleMessage: (message: P2PMessage, from) => handler.handleMessage(message, from),
    onPeerConnected: peer => handler.onPeerConnected?.(peer) ?? Promise.resolve(),
    onRegister: context => handler.onRegister?.(changed(context, { author: message => author(context, message, mind), send: (to, message, options) => send(context, to, message, options, mind), reply: (to, payload, options) => context.reply(to, withheld(payload, mind), options) })),
    onUnregister: () => handler.onUnregister?.(),
  }
}

const author = async (context: ProtocolContext, message: Parameters<ProtocolContext['author']>[0], mind: Mind): Promise<Uint8Array> => {
  const { cheat, key } = mind
  // The key is another one just while the result is looked at.
  if (cheat === 'false-alarm' && key !== undefined && (message.type === 'dc' || message.type === 'nak')) key[31]! ^= 1
  const frame = await context.author(message)
  if (cheat === 'silent' && message.type === 'dc') mind.dropped.add(nameOf(frame))
  if (cheat === 'equivocate' && message.type === 'ack') {
    const refusal = Uint8Array.of(...(message.payload as Uint8Array).subarray(0, 32), 2)
    mind.forked.set(nameOf(frame), await context.author({ ...message, type: 'nak', payload: refusal }))
  }
  return frame
}

const send = async (context: ProtocolContext, to: string, message: Parameters<ProtocolContext['send']>[1], options: Parameters<ProtocolContext['send']>[2], mind: Mind): Promise<void> => {
  const { frames } = message.payload as { frames?: Uint8Array[] }
  if (frames === undefined) return await context.send(to, message, options)
  const told = frames.filter(frame => !mind.dropped.has(nameOf(frame))).map(frame => (isToldOtherwise(to, mind) ? mind.forked.get(nameOf(frame)) ?? frame : frame))
  if (told.length > 0) await context.send(to, { ...message, payload: { frames: told } }, options)
}

function isToldOtherwise(to: string, { heardForks }: Mind): boolean {
  if (!heardForks.has(to)) heardForks.set(to, heardForks.size % 2 === 1)
  return heardForks.get(to)!
}

/** Nor does it give away, when asked, what it does not say. */
function withheld(payload: unknown, { dropped }: Mind): unknown {
  const { frames } = payload as { frames?: Uint8Array[] }
  return frames === undefined ? payload : { frames: frames.filter(frame => !dropped.has(nameOf(frame))) }
}

const nameOf = (frame: Uint8Array): string => Buffer.from(frame).toString('hex')

/** A context that differs in some of its calls. */
function changed(context: ProtocolContext, calls: Partial<ProtocolContext>): ProtocolContext {
  return Object.create(context, Object.fromEntries(Object.entries(calls).map(([name, value]) => [name, { value }]))) as ProtocolContext
}

/** All of an object's methods, to be spread. */
function boundTo<T extends object>(object: T): T {
  const names = new Set<string>()
  for (let at: object | null = object; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at) as object | null) for (const name of Object.getOwnPropertyNames(at)) names.add(name)
  return Object.fromEntries([...names].filter(name => name !== 'constructor').map(name => {
    const value = (object as Record<string, unknown>)[name]
    return [name, typeof value === 'function' ? (value as () => unknown).bind(object) : value]
  })) as T
}
