import type { P2PMessage } from '../../lib/contracts/message.ts'
import type { PeerInfo } from '../../lib/contracts/peer.ts'
import type { IProtocolHandler, ProtocolContext, ProtocolDefinition } from '../../lib/contracts/protocol.ts'

/** A plugin as the seed shows it, which writes down what happens to it. */
export class PlainHandler implements IProtocolHandler {
  readonly protocolName: string
  readonly heard: { message: P2PMessage; from: PeerInfo }[] = []
  readonly arrivals: PeerInfo[] = []
  readonly departures: PeerInfo[] = []
  context!: ProtocolContext
  unregistered = 0
  cleaned = 0

  constructor(protocolName: string) {
    this.protocolName = protocolName
  }

  onRegister(context: ProtocolContext): void {
    this.context = context
  }

  onUnregister(): void | Promise<void> {
    this.unregistered++
  }

  cleanup(): void {
    this.cleaned++
  }

  async handleMessage(message: P2PMessage, from: PeerInfo): Promise<void> {
    this.heard.push({ message, from })
  }

  async onPeerConnected(peer: PeerInfo): Promise<void> {
    this.arrivals.push(peer)
  }

  async onPeerDisconnected(peer: PeerInfo): Promise<void> {
    this.departures.push(peer)
  }

  get payloads(): unknown[] {
    return this.heard.map(({ message }) => message.payload)
  }
}

/** The same with a definition: it lives in its room, where everybody is a key. */
export class DefinedHandler extends PlainHandler {
  readonly definition: ProtocolDefinition

  constructor(definition: Pick<ProtocolDefinition, 'name'> & Partial<ProtocolDefinition>) {
    super(definition.name)
    this.definition = { version: 1, messages: {}, requests: {}, ...definition }
  }
}

/** One that answers each question with whatever a function makes of it. */
export class Answerer extends PlainHandler {
  readonly #answer: (message: P2PMessage, from: PeerInfo) => unknown

  constructor(protocolName: string, answer: (message: P2PMessage, from: PeerInfo) => unknown) {
    super(protocolName)
    this.#answer = answer
  }

  override async handleMessage(message: P2PMessage, from: PeerInfo): Promise<void> {
    await super.handleMessage(message, from)
    await this.context.reply(message, await this.#answer(message, from))
  }
}
