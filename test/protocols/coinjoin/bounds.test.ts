import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ProtocolContext } from '../../../lib/contracts/protocol.ts'
import type { P2PError } from '../../../lib/contracts/errors.ts'
import { MemoryStore } from '../../../lib/foundation/memory-store.ts'
import { toHex } from '../../../lib/foundation/hex.ts'
import { BAN_MS, Bans, coinName } from '../../../lib/protocols/coinjoin/bans.ts'
import { decodeEvidence } from '../../../lib/protocols/coinjoin/evidence.ts'
import { Inbox } from '../../../lib/protocols/coinjoin/inbox.ts'
import { EARLY_WORDS_MAX, EVIDENCE_BYTES_MAX, PRS_MAX, RUNS_MAX, TIMING } from '../../../lib/protocols/coinjoin/limits.ts'
import { mixParams } from '../../../lib/protocols/coinjoin/params.ts'
import { PrRelay } from '../../../lib/protocols/coinjoin/pr-relay.ts'
import { prOf, prSlot, type Pr } from '../../../lib/protocols/coinjoin/pr.ts'
import { PrPool } from '../../../lib/protocols/coinjoin/pr-pool.ts'
import { isMostlyGone, trimmedRoster } from '../../../lib/protocols/coinjoin/rosters.ts'
import { Session } from '../../../lib/protocols/coinjoin/session.ts'
import { encodeMiss, leaveOf, outvotedBy, voteOf } from '../../../lib/protocols/coinjoin/votes.ts'
import { readAck, readCm, readDc, readKe, readNak, readRv, readSg, wordOf, type WordType } from '../../../lib/protocols/coinjoin/words.ts'
import { below, seededRandom } from '../../support/seeded-random.ts'
import { noble, Table } from './support/table.ts'

const bounds = suite('the bounds of CoinJoin')

const prFrom = (number: number, coin = number, script = 1): Pr => ({
  author: toHex(new Uint8Array(32).fill(number & 0xff)) + String(number), id: `id ${number}`, frame: new Uint8Array(1), paramsHash: new Uint8Array(32), epoch: 1, changeScript: null, record: new Uint8Array(0),
  inputs: [{ txid: `coin ${coin}`, vout: 0, amount: 1n, script: Uint8Array.of(script), proof: [] }],
})

bounds('a pool of PRs holds so many, each once, without those that contradict each other or come late', () => {
  const pool = new PrPool()
  assert.is(pool.add(prFrom(1)), 'new')
  assert.is(pool.add(prFrom(1)), 'known')
  assert.is(pool.add(prFrom(2, 1)), 'struck', 'one coin twice')
  assert.equal(pool.usable, [])
  assert.is(pool.add(prFrom(3, 1, 9)), 'new', 'the same outpoint under another script is another coin: one of them does not exist')
  assert.is(pool.add({ ...prFrom(4), author: prFrom(3).author }), 'struck', 'one key twice')
  assert.is(pool.add(prFrom(5), true), 'new')
  assert.equal(pool.usable, [], 'late')
  for (let number = 10; pool.size < PRS_MAX; number++) pool.add(prFrom(number))
  assert.is(pool.add(prFrom(9_999)), 'full')
})

bounds('bans last a day, then two, then four, and are forgotten in the end', async () => {
  const store = new MemoryStore()
  const bans = new Bans(store)
  const coin = coinName('aa:0', '5120')
  await bans.ban(coin, 0)
  assert.ok(await bans.isBanned(coin, BAN_MS - 1))
  assert.not.ok(await bans.isBanned(coin, BAN_MS))
  assert.not.ok(await bans.isBanned(coinName('aa:0', '0014'), 1), 'another script is another coin')
  await bans.ban(coin, BAN_MS)
  assert.ok(await bans.isBanned(coin, 3 * BAN_MS - 1))
  assert.not.ok(await bans.isBanned(coin, 3 * BAN_MS))
  const other = new Bans(store)
  await other.ban('bb:1', 1_000 * BAN_MS)
  const left: string[] = []
  for await (const [key] of store.entries('ban/')) left.push(key)
  assert.equal(left, ['ban/bb:1'], 'what ended long ago is swept')
})

bounds('no bytes whatever make a reader throw', () => {
  const random = seededRandom('fuzz')
  const types: WordType[] = ['ke', 'cm', 'dc', 'ack', 'nak', 'rv', 'sg']
  for (let round = 0; round < 3_000; round++) {
    const bytes = random(below(random, 400))
    for (const read of [readKe, readCm, readAck, readNak, readRv, readSg]) read(bytes)
    readDc(bytes, below(random, 10))
    decodeEvidence(bytes)
    const from = toHex(random(32))
    const frame = new Uint8Array(1)
    prOf(noble, { type: 'pr', from, payload: bytes, slot: prSlot(1), frame })
    voteOf({ type: 'miss', from, payload: bytes, frame })
    leaveOf({ type: 'leave', from, payload: bytes, frame })
    wordOf(noble, { type: types[below(random, 7)]!, from, payload: bytes, slot: toHex(random(34)), frame })
  }
  assert.is(decodeEvidence(new Uint8Array(EVIDENCE_BYTES_MAX + 1)), null)
  assert.is(wordOf(noble, { type: 'ke', from: '', payload: 'text', slot: `${'0'.repeat(64)}/ke`, frame: new Uint8Array(1) }), null)
  assert.is(wordOf(noble, { type: 'ke', from: '', payload: new Uint8Array(97), slot: `${'0'.repeat(64)}/cm`, frame: new Uint8Array(1) }), null, 'another slot than the type\'s')
})

bounds('a vote lists indices ascending, once each; more than half of the others outvote', () => {
  const frame = new Uint8Array(1)
  const run = 'ab'.repeat(32)
  const vote = (author: string, missing: number[]) => voteOf({ type: 'miss', from: author, payload: encodeMiss(run, 'cm', missing), frame })
  assert.equal(vote('a', [1, 2])!.missing, [1, 2])
  for (const bad of [[], [2, 1], [1, 1], [50]]) assert.is(vote('a', bad), null, String(bad))
  const keys = ['a', 'b', 'c', 'd', 'e']
  const votes = ['a', 'b', 'c'].map(author => vote(author, [4])!)
  assert.equal(outvotedBy(votes, keys), [4])
  assert.equal(outvotedBy(votes.slice(0, 2), keys), [], 'two of four others are not more than half')
  assert.equal(outvotedBy([...votes.slice(0, 2), vote('e', [4])!, vote('stranger', [4])!], keys), [], 'nobody votes for himself, and strangers do not vote')
})

bounds('rosters are trimmed to what the majority cites and whose owners speak', () => {
  const owners = new Map([['pr-a', 'a'], ['pr-b', 'b'], ['pr-c', 'c'], ['pr-d', 'd'], ['pr-e', 'e']])
  const all = [...owners.keys()]
  const claims = new Map([['a', all], ['b', all], ['c', all.slice(0, 4)], ['d', all]])
  assert.equal(trimmedRoster(claims, owners), ['pr-a', 'pr-b', 'pr-c', 'pr-d'], 'e said nothing')
  assert.equal(trimmedRoster(new Map([['a', ['pr-a', 'pr-b']], ['b', ['pr-b']], ['c', ['pr-c']], ['d', ['pr-b', 'pr-d']]]), owners), ['pr-b'])
  assert.ok(isMostlyGone(['1', '2', '3', '4'], ['1', '2']))
  assert.not.ok(isMostlyGone(['1', '2', '3'], ['1', '2']))
})

bounds('early words of one author are kept up to a bound, and each unknown run is asked about once', () => {
  const table = new Table({ peers: 3 })
  const [alice, bob] = table.seats
  const asked = new Set<string>()
  for (let number = 0; number < 100; number++) {
    const word = table.makeWord(bob!.key, toHex(table.crypto.sha256(Uint8Array.of(number))), 'ke', new Uint8Array(97))
    for (const effect of alice!.session.handle({ kind: 'word', word, from: bob!.key })) if (effect.kind === 'ask-causes') asked.add(effect.run)
  }
  assert.is(asked.size, RUNS_MAX)
  assert.ok(EARLY_WORDS_MAX >= RUNS_MAX)
})

bounds('somebody who is no member is not heard, and a session that is over says nothing', () => {
  const table = new Table({ peers: 3 })
  const stranger = table.makeWord('ff'.repeat(32), 'ab'.repeat(32), 'ke', new Uint8Array(97))
  const { session } = table.seats[0]!
  assert.equal(session.handle({ kind: 'word', word: stranger, from: stranger.author }), [])
  assert.ok(session instanceof Session)
  assert.equal(session.handle({ kind: 'abandon', why: 'enough' }).map(({ kind }) => kind), ['leave', 'end'])
  assert.equal(session.handle({ kind: 'start' }), [])
})

bounds('after the soft timeout the missing are asked for, after the hard one voted on: each timer fires', () => {
  const table = new Table({ peers: 3, tampers: { 2: () => () => [] } })
  const seen: [string, number][] = []
  const told = table.seats[0]!.session.handle.bind(table.seats[0]!.session)
  table.seats[0]!.session.handle = (input, nowMs) => {
    const effects = told(input, nowMs)
    for (const { kind } of effects) if (kind === 'ask' || kind === 'vote') seen.push([kind, nowMs ?? 0])
    return effects
  }
  table.play(40_000)
  assert.equal(seen, [['ask', TIMING.softMs], ['vote', TIMING.hardMs]])
})

bounds('a frame that is not its author\'s is charged to who brought it; unknown authors wait, bounded, and are heard once known', async () => {
  const table = new Table({ peers: 3 })
  const reported: P2PError[] = []
  const heard: string[] = []
  const known = new Set<string>()
  const context = { verify: (frame: Uint8Array) => table.verify(frame), report: (error: P2PError) => void reported.push(error), signal: new AbortController().signal } as unknown as ProtocolContext
  const inbox = new Inbox({ context: () => context, crypto: noble, isKnown: author => known.has(author), onWord: word => void heard.push(word.author), onVote: () => {}, onLeave: () => {} })
  await inbox.take([Uint8Array.of(1, 2, 3)], 'mallory')
  assert.equal(reported.map(({ code, peerId }) => [code, peerId]), [['ERR_COINJOIN_BAD_FRAME', 'mallory']])
  const words = Array.from({ length: 100 }, (_, number) => table.makeWord('aa'.repeat(32), toHex(table.crypto.sha256(Uint8Array.of(number))), 'ke', new Uint8Array(97)))
  await inbox.take(words.map(({ frame }) => frame), 'bob')
  assert.equal(heard, [])
  known.add('aa'.repeat(32))
  await inbox.retry()
  assert.is(heard.length, 64)
  await inbox.take(words.slice(0, 3).map(({ frame }) => frame), 'carol')
  assert.is(heard.length, 64, 'each once')
})

bounds('a node keeps PRs of sixteen rounds, and hands on a bounded number of rounds that it does not know', async () => {
  const table = new Table({ peers: 3 })
  const handedOn: unknown[] = []
  const context = {
    verify: (frame: Uint8Array) => table.verify(frame), peers: () => [], signal: new AbortController().signal, localPeer: { peerId: 'me' },
    clock: { now: () => 1_000, elapsedMs: () => 0 }, broadcast: (message: unknown) => { handedOn.push(message); return Promise.resolve() }, report: () => {},
  } as unknown as ProtocolContext
  const relay = new PrRelay({ context: () => context, crypto: noble, chain: undefined, isBanned: () => Promise.resolve(false) })
  const params = mixParams({ denomination: 100_000, expiry: 4_000_000_000 })
  for (let number = 0; number < 16; number++) relay.open(toHex(new Uint8Array(32).fill(number)), params)
  assert.throws(() => relay.open('ff'.repeat(32), params), (error: P2PError) => error.code === 'ERR_COINJOIN_BUSY')
  relay.open('00'.repeat(32), params)
  const body = table.roster[0]!
  for (let number = 0; number < 200; number++) {
    const author = toHex(table.crypto.sha256(Uint8Array.of(number)))
    const original = await table.verify(body.frame)
    const copy = table.register({ type: 'pr', from: author, payload: original.payload, slot: prSlot(table.epoch) })
    await relay.take([copy.frame!], 'mallory')
  }
  assert.is(handedOn.length, 120)
  assert.is(relay.refused.get('rate'), 80)
})

bounds.run()
