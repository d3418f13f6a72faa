import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { P2PError } from '../../lib/contracts/errors.ts'
import { fromHex } from '../../lib/foundation/hex.ts'
import { MemoryStore } from '../../lib/foundation/memory-store.ts'
import { checkedName, isPeerId, NameBook } from '../../lib/peers/name-book.ts'
import { settle } from '../support/until.ts'

const test = suite('name book')

const BOB = 'bb'.repeat(32)
const CAROL = 'cc'.repeat(32)

test('an id resolves to itself, a name to the key it is bound to, anything else to nothing', async () => {
  const book = new NameBook(new MemoryStore())
  assert.equal([book.resolve(BOB), book.resolve('bob'), book.nameOf(BOB), book.trustOf(BOB)], [BOB, undefined, undefined, undefined])
  await book.bind('bob', BOB, 'pinned')
  assert.equal([book.resolve('bob'), book.nameOf(BOB), book.trustOf(BOB)], [BOB, 'bob', 'pinned'])
  assert.is(book.resolve(BOB.toUpperCase()), undefined, 'an id is written in lower case')
})

test('a bound name admits its key and no other', async () => {
  const book = new NameBook(new MemoryStore(), { bob: BOB })
  book.mustAdmit('bob', BOB)
  book.mustAdmit('carol', CAROL)
  for (const attempt of [() => book.mustAdmit('bob', CAROL)]) {
    assert.throws(attempt, (error: unknown) => error instanceof P2PError && error.code === 'ERR_PEER_ID_MISMATCH' && error.peerId === CAROL && /call forget\('bob'\)/.test(error.message))
  }
  await book.bind('bob', CAROL, 'pinned').then(() => assert.unreachable(), (error: P2PError) => assert.is(error.code, 'ERR_PEER_ID_MISMATCH'))
  assert.is(book.resolve('bob'), BOB)
})

test('binding holds at once and is stored; given names of the configuration are not', async () => {
  const store = new MemoryStore()
  const book = new NameBook(store, { carol: CAROL })
  const storing = book.bind('bob', BOB, 'pinned')
  assert.is(book.resolve('bob'), BOB)
  await storing
  await book.bind('bob', BOB, 'given')
  assert.equal([await store.get('bob'), await store.get('carol'), book.trustOf(BOB), book.trustOf(CAROL)], [fromHex(BOB), undefined, 'pinned', 'given'])
})

test('what earlier runs pinned is read, where it makes sense and is not configured otherwise', async () => {
  const store = new MemoryStore()
  await store.put('bob', fromHex(BOB))
  await store.put('carol', fromHex(BOB))
  await store.put('torn', fromHex('bb'))
  const book = new NameBook(store, { carol: CAROL })
  await book.load()
  assert.equal([book.resolve('bob'), book.resolve('carol'), book.resolve('torn'), book.trustOf(BOB)], [BOB, CAROL, undefined, 'pinned'])
})

test('a name forgotten while the store is slow does not come back with what is read', async () => {
  const inner = new MemoryStore()
  await inner.put('bob', fromHex(BOB))
  const store = Object.assign(inner, { delete: async () => { await settle(5) } })
  const book = new NameBook(store)
  const forgetting = book.forget('bob')
  await book.load()
  await forgetting
  assert.is(book.resolve('bob'), undefined)
  await book.bind('bob', CAROL, 'pinned')
  assert.is(book.resolve('bob'), CAROL)
})

test('a binding that could not be stored is tried again by the next', async () => {
  const store = new MemoryStore()
  const put = store.put.bind(store)
  let failures = 1
  store.put = async (key, value) => (failures-- > 0 ? Promise.reject(new Error('disk full')) : await put(key, value))
  const book = new NameBook(store)
  await book.bind('bob', BOB, 'pinned').then(() => assert.unreachable(), (error: Error) => assert.is(error.message, 'disk full'))
  assert.is(book.resolve('bob'), BOB)
  await book.bind('bob', BOB, 'pinned')
  assert.equal(await store.get('bob'), fromHex(BOB))
})

test('of two names of one key the first is shown, and the second when that is forgotten', async () => {
  const book = new NameBook(new MemoryStore())
  await book.bind('bob', BOB, 'pinned')
  await book.bind('robert', BOB, 'pinned')
  assert.is(book.nameOf(BOB), 'bob')
  await book.forget('robert')
  assert.is(book.nameOf(BOB), 'bob')
  await book.bind('robert', BOB, 'pinned')
  await book.forget('bob')
  assert.equal([book.nameOf(BOB), book.resolve('bob'), book.resolve('robert')], ['robert', undefined, BOB])
  await book.forget('robert')
  assert.is(book.nameOf(BOB), undefined)
})

test('what may be a name', () => {
  for (const name of ['bob', 'x'.repeat(128), '日本', 'bb'.repeat(31), 'bb'.repeat(33), `${'b'.repeat(63)}g`, 'with spaces/and:signs']) assert.is(checkedName(name), name)
  for (const name of ['', 'x'.repeat(129), 'ü'.repeat(65), BOB, BOB.toUpperCase(), `${'bB'.repeat(32)}`]) assert.throws(() => checkedName(name), (error: unknown) => error instanceof RangeError, name)
  for (const name of [undefined, null, 7, {}]) assert.throws(() => checkedName(name as never), (error: unknown) => error instanceof TypeError)
  assert.equal([isPeerId(BOB), isPeerId(BOB.toUpperCase()), isPeerId(BOB.slice(1)), isPeerId(`${BOB}\n`)], [true, false, false, false])
})

test('names bound to what is no id are the configuration\'s mistake', () => {
  for (const id of ['bob', BOB.toUpperCase(), '', BOB.slice(2)]) assert.throws(() => new NameBook(new MemoryStore(), { bob: id }), (error: Error) => error instanceof RangeError && /names\.bob must be an id of 64 lower-case hex digits/.test(error.message))
})

test.run()
