import type { Static, TSchema } from 'typebox'
import type { P2PMessage } from './message.ts'
import type { WaitOptions } from './wait.ts'

export interface PublishOptions extends WaitOptions {
  /** One statement of one author in one topic: a second, different one is refused by whoever heard the first, and is proof against its author. */
  slot?: string
}
export interface PublishReceipt { messageId: string; peers: number }

/** What came with a published payload: its author's verified message, and how it travelled. */
export interface PubSubItem extends P2PMessage {
  topic: string
  /** What relays said, not authenticated: how far it came and through whom. */
  hops: number
  path?: readonly string[]
}

export type Verdict = 'accept' | 'reject' | 'ignore'

/** The role behind `coordinator.publish` and `subscribe`. Gossip plays it; so may any other plugin. */
export interface IPubSub {
  /** Resolves once handed to at least one peer; the receipt says to how many. */
  publish<T>(topic: string, payload: T, options?: PublishOptions): Promise<PublishReceipt>
  /** With a schema the payload's type is the schema's, and what does not fit is rejected before the listener. */
  subscribe<S extends TSchema>(topic: string, listener: (payload: Static<S>, item: PubSubItem) => void, options: SubscribeOptions<Static<S>> & { schema: S }): Disposable
  subscribe<T = unknown>(topic: string, listener: (payload: T, item: PubSubItem) => void, options?: SubscribeOptions<T>): Disposable
}
export interface SubscribeOptions<T> {
  validate?: (payload: T, item: PubSubItem) => Verdict | Promise<Verdict>
}
