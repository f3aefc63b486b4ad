/**
 * What short commands take of the bus, when they need it. Of a package that is itself imported when it is needed the
 * bundler keeps everything.
 */
export {
  configFromEnvironment,
  connectBus,
  decodeEnvelope,
  encodeEnvelope,
  readEnvironmentFile,
} from '@jamey/bus'
