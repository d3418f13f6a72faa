/** How one program was asked to measure; see `readOptions`. */
export interface Options {
  measure: string
  size: number
  seconds: number
  warmUpSeconds: number
  count: number
  auth: 'channel' | 'signature'
  [name: string]: unknown
}
/** Asks the listening process one of the questions its `answers` name. */
export type Ask = (question: string, value?: unknown) => Promise<any>
export type Answers = Record<string, (value: any) => unknown>

export interface Measure<Hello = any> {
  prepare?(): Promise<unknown>
  listen?(options: Options): Promise<{ hello: Hello; answers?: Answers }>
  dial(hello: Hello, ask: Ask, options: Options): Promise<object>
}
export interface Spread { p50: number; p99: number; samples: number }
export interface Rate { perSecond: number; megabytesPerSecond: number; delivered: number; ms: number }

export function run(measures: Record<string, Measure>): Promise<void>
export function sleep(ms: number): Promise<void>
export function yieldToSockets(): Promise<void>
export function quantile(values: readonly number[], share: number): number
export function timeDials(dialOnce: () => Promise<() => unknown>, counts?: { warmUps?: number; count?: number }): Promise<Spread>
export function timeRoundTrips(askOnce: () => Promise<unknown>, counts?: { warmUps?: number; count?: number }): Promise<Spread>
export class Tally {
  constructor(size: number)
  receive(body: Uint8Array): void
  reached(expected: number): Promise<{ count: number; wrong: number; ms: number }>
  answers(): Answers
}
export function pump(options: Options, sendBatch: (body: Uint8Array) => Promise<number>, ask: Ask): Promise<Rate>
export function heapPerConnection(options: Options, connectOnce: () => Promise<unknown>, ask: Ask): Promise<{ heapKib: number; externalKib: number; residentKib: number; connections: number }>
export function memoryAnswers(connections: () => number): Answers
