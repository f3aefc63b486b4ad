import { JameyError } from '@jamey/protocol'
import type { Manifest } from '../model/manifest.js'

/** The mark that begins a comment in a file of a broker. */
export type CommentMark = '#' | '%' | '//'

/** One file, before the line with its digest is put at its head. */
export interface BrokerFile {
  /** Relative to the folder of all of them, with `/`. */
  readonly path: string
  /** Ends with a line feed, and is the same for the same manifest and options. */
  readonly text: string
  /** 0o644 where absent; 0o600 for what holds a secret. */
  readonly mode?: number
  /** `#` where absent. */
  readonly comment?: CommentMark
}

/** All that a broker needs to enforce a manifest. */
export interface BrokerFiles {
  readonly files: readonly BrokerFile[]
  /** A line for a shell, to be run by whoever owns the files, that starts the broker and stays in the foreground. */
  readonly command: string
  /** A line for a shell with which the broker's own programs check the files; absent where it has none that can. */
  readonly checkCommand?: string
  /** Sentences for the operator: what this broker does otherwise, and what has to be set in clients. */
  readonly notes: readonly string[]
}

/** The places of all files. Every path is absolute. */
export interface BrokerOptions {
  /** Folder of the files, and of what the broker keeps. */
  readonly folder: string
  /** The address to listen at, for MQTT over TLS alone; `0.0.0.0` or `::` for all. */
  readonly host: string
  readonly port: number
  /** PEM files: the authority of client certificates, and the certificate and key of the broker. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string }
  /** True where every client has to show a certificate. */
  readonly isMutualTls: boolean
  /**
   * What a client proves itself by. `tokens`: ours, with their permissions, by the service that decides or by a plugin.
   * `certificates`: the common name is the client identifier, and the rules are those of the manifest; `isMutualTls` is
   * true then. A broker that knows one of them alone takes that.
   */
  readonly clientsBy: 'tokens' | 'certificates'
  /** The service that decides for brokers which can ask one, see `@jamey/authz`. */
  readonly authorization: {
    /** `http://` or `https://`, without a path. */
    readonly url: string
    /** The secret that the service expects of the broker that asks; undefined where it expects none. */
    readonly secret: string | undefined
  }
  /** Holds the secrets of tokens, for brokers that verify them themselves; undefined where nobody named one. */
  readonly tokenSecretFile: string | undefined
}

/**
 * The files of one broker. Throws `BrokerFilesError` for what this broker cannot enforce, such as a topic that it has no
 * name for.
 */
export type MakeBrokerFiles = (manifest: Manifest, options: BrokerOptions) => BrokerFiles

/** `not-expressible`: the broker has no words for a permission. `option-unusable`: it has none for an option. */
export type BrokerFilesErrorCode = 'not-expressible' | 'option-unusable'

/** A manifest that a broker cannot enforce. The message names the client, its permission, and what to do. */
export class BrokerFilesError extends JameyError<BrokerFilesErrorCode> {
  override readonly name = 'BrokerFilesError'
}
