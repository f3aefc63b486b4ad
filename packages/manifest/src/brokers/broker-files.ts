import { JameyError } from '@jamey/protocol'
import type { Manifest } from '../model/manifest.js'

/** What begins a comment in a file of a broker. */
export type CommentMark = '#' | '%' | '//'

/** One file, before whoever writes it puts the line with its digest at its head. */
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
  /** What the operator has to know: what this broker does otherwise, what has to be set in clients. A sentence or two each. */
  readonly notes: readonly string[]
}

/** Where things are. Every path is absolute. */
export interface BrokerOptions {
  /** Where the files will be, and what the broker keeps. */
  readonly folder: string
  /** The address to listen at, for MQTT over TLS alone; `0.0.0.0` or `::` for all. */
  readonly host: string
  readonly port: number
  /** PEM files: the authority of client certificates, and the certificate and key of the broker. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string }
  /** Every client has to show a certificate. */
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
    /** What the service expects of the broker that asks; undefined where it expects nothing. */
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
