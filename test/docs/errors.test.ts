import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ErrorCode } from '../../lib/contracts/errors.ts'

const errors = suite('docs/errors.md')

const root = join(import.meta.dirname, '../..')
const page = await readFile(join(root, 'docs/errors.md'), 'utf8')

interface Row { code: string; cells: string[] }

/** The rows of all tables whose first column is `code`. */
function rowsOf(text: string): Row[] {
  return text.split('\n').flatMap(line => {
    const cells = line.split('|').slice(1, -1).map(cell => cell.trim())
    const code = /^`(ERR_[A-Z0-9_]+)`$/.exec(cells[0] ?? '')?.[1]
    return code === undefined ? [] : [{ code, cells }]
  })
}

/** Codes of others that lib compares with; it throws none of them. */
const NODES_OWN = new Set(['ERR_MODULE_NOT_FOUND'])

/** Every code that a source names, in full or by its key in the table. */
function codesIn(source: string): Set<string> {
  const found = new Set<string>()
  // Two words at least: `'ERR_PEER_'` is a beginning, and no code.
  for (const [, code] of source.matchAll(/['"`](ERR_[A-Z0-9]+_[A-Z0-9_]*[A-Z0-9])['"`]/g)) found.add(code!)
  for (const [, key] of source.matchAll(/\bErrorCode\.([A-Z0-9_]+)\b/g)) found.add(`ERR_${key}`)
  return new Set([...found].filter(code => !NODES_OWN.has(code)))
}

async function sources(): Promise<Map<string, string>> {
  const entries = await readdir(join(root, 'lib'), { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile() && entry.name.endsWith('.ts')).map(entry => join(entry.parentPath, entry.name))
  return new Map(await Promise.all(files.map(async (file): Promise<[string, string]> => [file, await readFile(file, 'utf8')])))
}

const rows = rowsOf(page)
const listed = new Set(rows.map(row => row.code))

errors('every code of the table has one row', () => {
  assert.equal(Object.values(ErrorCode).filter(code => !listed.has(code)), [], 'codes without a row')
  assert.equal(rows.map(row => row.code).filter((code, index, all) => all.indexOf(code) !== index), [], 'codes with two rows')
})

errors('every row says when, who is to blame, and what to do', () => {
  for (const { code, cells } of rows) {
    assert.is(cells.length, 4, `${code} has ${cells.length} columns`)
    for (const cell of cells) assert.is.not(cell, '', `${code} has an empty column`)
  }
})

errors('every code that lib names has a row, and every row is of a code that lib names', async () => {
  const named = new Map<string, string>()
  for (const [file, text] of await sources()) for (const code of codesIn(text)) named.set(code, file.slice(root.length + 1))
  assert.equal([...named].filter(([code]) => !listed.has(code)).map(([code, file]) => `${code} in ${file}`), [], 'named without a row: add one to docs/errors.md')
  assert.equal([...listed].filter(code => !named.has(code)), [], 'rows that nothing in lib names: remove them')
})

errors('every code of the table is thrown or reported somewhere: none is dead', async () => {
  const used = new Set<string>()
  for (const [file, text] of await sources()) {
    if (file.endsWith('contracts/errors.ts')) continue
    for (const code of codesIn(text)) used.add(code)
  }
  assert.equal(Object.values(ErrorCode).filter(code => !used.has(code)), [])
})

errors('the check can fail: a planted code and a planted row are found', () => {
  assert.equal([...codesIn('throw new P2PError(\'ERR_PLANTED_CODE\', x) ; ErrorCode.WIRE_STALE ; startsWith(\'ERR_PEER_\')')], ['ERR_PLANTED_CODE', 'ERR_WIRE_STALE'])
  assert.equal(rowsOf('| code | when |\n|---|---|\n| `ERR_A_B` | x | y | z |\n| ERR_C_D | x |').map(row => row.code), ['ERR_A_B'])
  assert.ok(!listed.has('ERR_PLANTED_CODE'))
})

errors.run()
