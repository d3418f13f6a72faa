// `node --import tsx .../main.ts [n] [seeds] [samples] [bars...]`: measured beside bar, a line for each.
import { badPuts, churn, enumeration, flood, found, lookups, targeted, type Bar, type BarOptions } from './bars.ts'

const [n = '100', seeds = '1', samples = '200', ...names] = process.argv.slice(2)
const all: Record<string, (options: BarOptions) => Promise<Bar | Bar[]>> = {
  d1: lookups,
  d4: options => found('D4', options, { liars: 0.2, first: 0.995, retry: 0.9999 }),
  d5: options => found('D5', options, { liars: 0.3, first: 0.99, retry: 0.999 }),
  d6: options => found('D6', options, { vanish: 0.5, first: 0.999, messagesMax: 60 }),
  d7: options => found('D7', options, { liars: 0.3, vanish: 0.5, first: 0.98, retry: 0.995 }),
  d8a: options => targeted(options, { ids: 45, groups: 10, wanted: 0.999 }),
  d8b: options => targeted(options, { ids: 200, groups: 50, wanted: 0.99 }),
  d8c: options => targeted(options, { ids: 200, groups: 200, wanted: 0.85 }),
  d9: options => churn(options, Number(process.env.HOURS ?? 2)),
  d10: badPuts,
  d11: enumeration,
  d12: flood,
}
for (const [name, run] of Object.entries(all)) {
  if (names.length > 0 && !names.includes(name)) continue
  for (let seed = 1; seed <= Number(seeds); seed++) {
    const start = process.cpuUsage()
    const bars = [await run({ n: Number(n), seed, samples: Number(samples) })].flat()
    const { user } = process.cpuUsage(start)
    for (const { bar, ours, wanted, better, holds, samples: count, extra } of bars) {
      console.log(`${holds ? 'holds' : 'FAILS'}  ${bar} n=${n} seed ${seed}: ${Number(ours.toPrecision(5))} (${better} than ${Number(wanted.toPrecision(4))}) of ${count}  ${JSON.stringify(extra, (_, value: unknown) => typeof value === 'number' ? Number(value.toPrecision(4)) : value)}  (${(user / 1e6).toFixed(1)} s CPU)`)
    }
  }
}
