/**
 * A chat room with no server: whoever knows one address of one member finds the others, hears everybody, and gets what was said
 * in the last two minutes. Every line is signed by who said it.
 *
 *     npx tsx examples/05-gossip-chat.ts                          talk, at a terminal; the first member
 *     npx tsx examples/05-gossip-chat.ts --name bob ws://...      talk, with those who are there already
 *     npx tsx examples/05-gossip-chat.ts < /dev/null              four processes talk by themselves, and end
 *
 * BOOTSTRAP_PEERS may name the members to begin with: `host:port,ws://host:port#key`. `--room` names another room than the lobby.
 */
import { parseArgs } from 'node:util'
import { parseBootstrap } from '../lib/protocols/exchange/index.ts'
import { member } from './05-gossip-chat/member.ts'
import { play } from './05-gossip-chat/play.ts'
import { talk } from './05-gossip-chat/terminal.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { name: { type: 'string' }, room: { type: 'string' }, member: { type: 'boolean' } },
})
const name = values.name ?? `guest-${process.pid}`
const room = values.room ?? 'lobby'

if (values.member) member(name, room, positionals)
else if (process.stdin.isTTY) await talk(name, room, [...positionals, ...parseBootstrap(process.env['BOOTSTRAP_PEERS']).map(({ url }) => url)])
else await play(room)
