import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Link } from '../../lib/peers/link.ts'
import { PeerTable } from '../../lib/peers/peer-table.ts'

const test = suite('peer table')

const idOf = (n: number): string => n.toString(16).padStart(64, '0')
const linkOf = (isOpen: boolean): Link => ({ isOpen } as Link)

test('a peer has one record, made when it is first spoken of', () => {
  const table = new PeerTable(10)
  const record = table.ensure(idOf(1), 5)
  assert.is(table.ensure(idOf(1), 9), record)
  assert.equal([table.size, table.get(idOf(1)), table.get(idOf(2)), record.touchedAtMs, record.state], [1, record, undefined, 9, 'disconnected'])
  assert.equal(record.publicKey[31], 1)
})

test('those without a link are bounded: who cannot be dialled goes first, then who was quiet longest', () => {
  const table = new PeerTable(3)
  table.ensure(idOf(1), 1).addAddresses({ memory: 'memory:old' })
  table.ensure(idOf(2), 2).addAddresses({ memory: 'memory:new' })
  table.ensure(idOf(3), 3)
  table.ensure(idOf(4), 4)
  assert.equal([...table].map(record => record.id), [idOf(1), idOf(2), idOf(4)], 'the stranger without an address made room, though heard of later')
  table.ensure(idOf(5), 5).addAddresses({ memory: 'memory:newer' })
  table.ensure(idOf(6), 6)
  assert.equal([...table].map(record => record.id), [idOf(2), idOf(5), idOf(6)], 'then the quietest')
})

test('connected and wanted peers are never forgotten for others', () => {
  const table = new PeerTable(2)
  table.ensure(idOf(1), 1).wanted = true
  table.ensure(idOf(2), 2).link = linkOf(true)
  table.recount()
  for (let n = 3; n < 50; n++) table.ensure(idOf(n), n)
  assert.ok(table.get(idOf(1)) && table.get(idOf(2)))
  assert.is(table.size, 3)
})

test('a flood of strangers does not push out an address anybody vouched for', () => {
  const table = new PeerTable(100)
  for (let n = 0; n < 50; n++) table.ensure(idOf(n), n).addAddresses({ memory: `memory:${n}` })
  for (let n = 1_000; n < 6_000; n++) table.ensure(idOf(n), n)
  assert.is([...table].filter(record => record.hasAddress).length, 50)
  assert.is(table.size, 100)
})

test('a link that is being closed is a connection, but none to speak on', () => {
  const table = new PeerTable(10)
  table.ensure(idOf(1), 1).link = linkOf(true)
  table.ensure(idOf(2), 2).link = linkOf(false)
  table.ensure(idOf(3), 3)
  table.recount()
  assert.equal([[...table.connected()].length, [...table.open()].length], [2, 1])
  assert.is(table.get(idOf(2))!.openLink, undefined)
})

test('what is learned is added to what is known', () => {
  const record = new PeerTable(10).ensure(idOf(1), 1)
  record.addAddresses({ memory: 'memory:a' })
  record.addAddresses({ websocket: 'ws://a' })
  record.addMetadata({ a: 1 })
  record.addMetadata({ b: 2 })
  assert.equal([record.surface.addresses, record.room.addresses, record.surface.metadata], [{ memory: 'memory:a', websocket: 'ws://a' }, { memory: 'memory:a', websocket: 'ws://a' }, { a: 1, b: 2 }])
})

test.run()
