import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DisconnectReason } from '../../lib/contracts/peer.ts'
import { closeCodeOf, closeReasonOf, mirrored } from '../../lib/transports/close-codes.ts'

const test = suite('close codes')

const REASONS: DisconnectReason[] = ['local', 'remote', 'timeout', 'misbehaviour', 'limit', 'shutdown', 'error']

test('every reason travels as a code that a browser may send, and arrives as what it is there', () => {
  for (const reason of REASONS) {
    const code = closeCodeOf(reason)
    assert.ok(code === 1000 || (code >= 3000 && code <= 4999), `${reason}: ${code}`)
    assert.is(closeReasonOf(code), mirrored(reason))
  }
})

test('a plain goodbye is the other side\'s own wish', () => {
  for (const code of [1000, 1005, 3999, 4999]) assert.is(closeReasonOf(code), 'remote', String(code))
})

test('what a WebSocket says of broken rules is misbehaviour', () => {
  for (const code of [1002, 1003, 1007, 1008, 1009]) assert.is(closeReasonOf(code), 'misbehaviour', String(code))
})

test('a socket that ended without a goodbye has no reason', () => {
  for (const code of [1006, 1015, 0, 999]) assert.is(closeReasonOf(code), undefined, String(code))
})

test.run()
