import { runCommand } from './command.ts'
import { benchmarks } from './registry.ts'

process.exitCode = await runCommand('bench', benchmarks, process.argv.slice(2))
