// guard: deadline 300 s
import { coreSuite } from './support/core-suite.ts'

coreSuite([5, 6, 7, 8], { twice: [8] })
