/** For testing programs on Isopage: `import { faulty } from 'isopage/test'`. */

export {
  type FaultEffect,
  type FaultOp,
  type FaultRule,
  type FaultyProvider,
  faulty,
} from './faulty.js'
