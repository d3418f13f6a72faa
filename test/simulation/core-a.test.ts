// guard: deadline 300 s
import { coreSuite } from './support/core-suite.ts'

coreSuite([1, 2, 3, 4], { twice: [1] })
