/** For authors of transports: a channel with the bookkeeping done, and the errors and bounds that go with it. */
export { AsyncQueue, type AsyncQueueOptions } from '../foundation/async-queue.ts'
export { sleep, withDeadline, type DeadlineOptions } from '../foundation/deadline.ts'
export * from './channel-base.ts'
export * from './transport-error.ts'
export * from './transport-limits.ts'
