import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runProgram } from '../../support/run-program.ts'

const example = suite('example 06')

example('three processes sign, an independent library verifies the printed signature, and a wallet that does not agree is named', async () => {
  const { code, lines, stderr } = await runProgram(new URL('../../../examples/06-musig2-three-signers.ts', import.meta.url))
  assert.is(code, 0, stderr)
  const text = lines.join('\n')
  const pids = [...text.matchAll(/process (\d+)/g)].map(([, pid]) => pid)
  assert.is(new Set(pids).size, 3)
  assert.match(text, /signature [0-9a-f]{128}\n/)
  assert.match(text, /an independent library verifies it under their key: yes/)
  assert.match(text, /refused: .*signer [12] declined: the fee is too high/)
})

example.run()
