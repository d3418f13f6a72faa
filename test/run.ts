// `npm test` runs every file below test/; `npm test -- gossip wire/` only those whose path contains one of the words.
import { parseArgs } from 'node:util'
import { endAll, guard } from './support/guard.ts'

/** How many tests are known to exist. Raise it as they grow: a file lost in a merge then shows. */
const TESTS_MIN = 3_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { dir: { type: 'string' }, 'tests-min': { type: 'string' } },
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    endAll()
    process.exit(1)
  })
}

const allIsWell = await guard({
  dir: values.dir ?? import.meta.dirname,
  patterns: positionals,
  testsMin: Number(values['tests-min'] ?? TESTS_MIN),
})
process.exitCode = allIsWell ? 0 : 1
