import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { positionFrom, randomNear, shareBetween, sharedBits, type Position } from '../../../lib/protocols/dht/position.ts'
import { placeOf } from '../../../lib/protocols/dht/netgroup.ts'
import { Table } from '../../../lib/protocols/dht/table.ts'

const table = suite('DHT: the table')

const OWN = positionFrom(new Uint8Array(32))
/** In bucket 0, all of them. */
const place = (number: number): Position => positionFrom(Uint8Array.from({ length: 32 }, (_, index) => index === 0 ? 128 : index === 1 ? number : index === 31 ? number >> 8 : 0))
const id = (number: number): string => number.toString(16).padStart(64, '0')
const contact = (number: number, changes: object = {}) => ({ id: id(number), position: place(number), outbound: false, group: 0, address: '', ...changes })
const made = (): Table => new Table({ own: OWN, k: 20, perGroupInBucket: 2, perGroup: 10, perAddress: 3 })

table('two of one network fit into a bucket, a third waits and moves up', () => {
  const contacts = made()
  const group = (number: number) => contact(number, { group: 7, address: `192.0.2.${number}` })
  assert.equal([1, 2, 3].map(number => contacts.admit(group(number))), [true, true, false])
  assert.equal([contacts.size, contacts.waiting], [2, 1])
  contacts.remove(id(1))
  assert.equal([contacts.size, contacts.waiting], [2, 0])
  assert.ok(contacts.get(id(3)))
})

table('ten of one network fit into the table, three of one address', () => {
  const contacts = made()
  const inBucket = (bucket: number, salt: number): Position => randomNear(OWN, bucket, new Uint8Array(32).fill(salt))
  const networks = Array.from({ length: 12 }, (_, index) => contacts.admit({ ...contact(index, { group: 7, address: `192.0.2.${index}` }), position: inBucket(index, index * 7) }))
  assert.is(networks.filter(Boolean).length, 10)
  const others = made()
  const addresses = Array.from({ length: 5 }, (_, index) => others.admit({ ...contact(index, { group: 7, address: '192.0.2.1' }), position: inBucket(index, index * 7) }))
  assert.is(addresses.filter(Boolean).length, 3)
})

table('a bucket takes 20; who was dialled by us goes before who dialled us, and not the other way', () => {
  const contacts = made()
  for (let number = 1; number <= 20; number++) assert.is(contacts.admit(contact(number)), true)
  assert.is(contacts.admit(contact(21)), false)
  assert.is(contacts.admit(contact(22, { outbound: true })), true)
  assert.is(contacts.size, 20)
  assert.is(contacts.get(id(20)), undefined, 'the youngest gave way')
  assert.is(contacts.waiting, 2)
})

table('the nearest come in order, without whom one leaves out', () => {
  const contacts = made()
  for (const number of [9, 3, 7, 1, 5]) contacts.admit(contact(number))
  assert.equal(contacts.nearest(place(0), 3).map(({ id: each }) => Number.parseInt(each, 16)), [1, 3, 5])
  assert.equal(contacts.nearest(place(0), 3, id(1)).map(({ id: each }) => Number.parseInt(each, 16)), [3, 5, 7])
})

table('shared bits, shares of the space and places drawn near are what they say', () => {
  for (let bits = 0; bits < 40; bits++) {
    const near = randomNear(OWN, bits, new Uint8Array(32).fill(255))
    assert.is(sharedBits(OWN, near), bits)
    assert.ok(shareBetween(OWN, near) >= 2 ** -(bits + 1) && shareBetween(OWN, near) <= 2 ** -bits)
  }
})

table('a network is where the link leads; private and loopback addresses are none', () => {
  const peer = (remoteAddress: string, websocket?: string) => placeOf({ peerId: '', state: 'connected', lastSeen: 0, remoteAddress, addresses: websocket ? { websocket } : {} } as never)
  assert.is(peer('ws://203.0.113.5:1').group, peer('ws://203.0.113.77:2').group)
  assert.is.not(peer('ws://203.0.113.5:1').group, peer('ws://203.0.114.5:1').group)
  assert.is(peer('ws://203.0.113.5:1', 'ws://198.51.100.1:5').group, peer('ws://203.0.113.77:2').group, 'not what it claims')
  assert.is(peer('ws://[2001:db8:1:2::3]:1').group, peer('ws://[2001:db8:1:ffff::3]:1').group)
  for (const address of ['ws://127.0.0.1:1', 'ws://10.1.2.3:1', 'ws://[::1]:1', 'ws://[fd00::1]:1', 'memory:alice']) assert.is(peer(address).group, 0)
})

table.run()
