// `node --import tsx .../main.ts [n] [seeds] [bars...]`: measured beside bar, a line for each.
import { g1, g10, g2, g3, g4, g8Churn, g8Loss, g9, type Bar, type BarOptions } from './bars.ts'

const [n = '100', seeds = '1', ...names] = process.argv.slice(2)
const all: Record<string, (options: BarOptions) => Promise<Bar>> = {
  g1, g2small: options => g2(options, 'small'), g2middle: options => g2(options, 'middle'), g2large: options => g2(options, 'large'),
  g3a: options => g3(options, 0.2), g3b: options => g3(options, 0.33), g3c: options => g3(options, 0.33, 0.05), g4, g8loss: g8Loss, g8churn: g8Churn, g9, g10,
}
for (const [name, run] of Object.entries(all)) {
  if (names.length > 0 && !names.includes(name)) continue
  for (let seed = 1; seed <= Number(seeds); seed++) {
    const start = process.cpuUsage()
    const { bar, figures, wanted, holds } = await run({ n: Number(n), seed })
    const { user } = process.cpuUsage(start)
    const shown = Object.entries(figures).map(([key, value]) => `${key} ${typeof value === 'number' ? Number(value.toPrecision(5)) : String(value)}`).join(', ')
    console.log(`${holds ? 'holds' : 'FAILS'}  ${bar} n=${n} seed ${seed}: ${shown}  [${wanted}]  (${Math.round(user / 1e6)} s CPU)`)
  }
}
