/**
 * Announce on one machine, find it on another, with no server: six processes, of which one opens rounds, others look for one that suits them,
 * one watches, and one comes late, after whoever announced has been killed. The data has a schema: what does not fit it is not shown.
 *
 *     npx tsx examples/04-announce-discover.ts
 */
import { parseArgs } from 'node:util'
import { member } from './04-announce-discover/member.ts'
import { play } from './04-announce-discover/play.ts'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { member: { type: 'string' } } })

if (values.member === undefined) await play()
else await member(values.member, positionals)
