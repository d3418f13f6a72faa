import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEFAULT_LIMITS, limitsFrom } from '../lib/foundation/limits.ts'

const page = readFileSync(new URL('../docs/limits.md', import.meta.url), 'utf8')
const rows = page.split('\n').filter(line => line.startsWith('| `'))
const limits = suite('docs/limits.md')

limits('names every limit there is', () => {
  const named = new Set(rows.flatMap(row => [...row.split('|').slice(1, 3).join('|').matchAll(/`(\w+)`/g)].map(([, name]) => name)))
  assert.equal([...named].sort(), Object.keys(DEFAULT_LIMITS).sort())
})

limits('has a consequence or a reason in every row', () => {
  for (const row of rows) {
    const [, , , consequence = '', reason = ''] = row.split('|').map(cell => cell.trim())
    assert.ok(consequence !== '' || reason !== '', row)
  }
})

limits('an unknown limit, or one that is not above zero, is refused with its name', () => {
  assert.throws(() => limitsFrom({ messagesPerMinute: 5 } as never), /limits\.messagesPerMinute is not a limit/)
  for (const bad of [0, -1, Number.NaN, '5']) assert.throws(() => limitsFrom({ messageBytesMax: bad as number }), /limits\.messageBytesMax must be a number above 0/)
})

limits.run()
