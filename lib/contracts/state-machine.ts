import type { ErrorCode } from './errors.ts'
import type { PeerId } from './message.ts'
import type { MessagePayload, MessageType, ProtocolDefinition, RequestPayload, RequestType } from './protocol.ts'

/** What a protocol wants done, as data. The handler carries it out; the simulator can too. */
export type Effect<D extends ProtocolDefinition, Event = never> =
  | { [T in MessageType<D>]: { readonly kind: 'send'; readonly to: PeerId; readonly type: T; readonly payload: MessagePayload<D, T>; readonly slot?: string } }[MessageType<D>]
  | { [T in MessageType<D>]: { readonly kind: 'broadcast'; readonly type: T; readonly payload: MessagePayload<D, T>; readonly slot?: string; readonly except?: readonly PeerId[] } }[MessageType<D>]
  /** The answer, or its failure, comes back as an input carrying `ref`. */
  | { [T in RequestType<D>]: { readonly kind: 'request'; readonly to: PeerId; readonly type: T; readonly payload: RequestPayload<D, T>; readonly ref: string; readonly timeoutMs: number } }[RequestType<D>]
  /** Later effects of the same step wait until this one is durable. */
  | { readonly kind: 'store'; readonly key: string; readonly value: Uint8Array | null; readonly sync: boolean }
  | { readonly kind: 'schedule'; readonly timer: string; readonly delayMs: number }
  | { readonly kind: 'cancel'; readonly timer: string }
  | { readonly kind: 'emit'; readonly event: Event }
  | { readonly kind: 'blame'; readonly peerId: PeerId; readonly code: ErrorCode; readonly evidence?: readonly Uint8Array[] }

/** Protocol rules without I/O: no socket, no timer, no clock, no randomness of its own. */
export interface IStateMachine<Input, Output> {
  handle(input: Input, nowMs: number): readonly Output[]
}
