import type { Options } from './measure.mjs'

export interface LoadNode {
  publish(data: Uint8Array): Promise<unknown>
  hear(listener: (data: Uint8Array) => void): void
}
export interface Town {
  readonly nodes: readonly LoadNode[]
  /** The first of the two dials. */
  link(a: number, b: number): Promise<unknown>
  /** Everybody who should push to somebody does. */
  ready(): Promise<unknown>
}
export interface LoadFigures { deliveriesPerSecond: number; cpuMs: number; p50: number; p99: number; delivered: number; expected: number; seconds: number }

export function linksOf(count: number, extra: number): [number, number][]
export function saturate(makeTown: (count: number) => Promise<Town>, options: Options): Promise<LoadFigures>
export function paced(makeTown: (count: number) => Promise<Town>, options: Options): Promise<LoadFigures>
