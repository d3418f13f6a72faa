export function sleep(ms: number): Promise<void>
export function median(values: readonly number[]): number
