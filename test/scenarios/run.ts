import { runCommand } from '../bench/command.ts'
import { scenarios } from './registry.ts'

process.exitCode = await runCommand('scenario', scenarios, process.argv.slice(2))
