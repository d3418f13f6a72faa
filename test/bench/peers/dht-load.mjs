// What the DHT programs of all sides share.
export const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
