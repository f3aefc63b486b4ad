/**
 * The parts of the bus that short commands take, when they need them. Of a package that is itself imported when it is needed the
 * bundler keeps everything.
 */
export {
  configFromEnvironment,
  connectBus,
  decodeEnvelope,
  encodeEnvelope,
  readEnvironmentFile,
} from '@jamey/bus'
