// SPDX-License-Identifier: Apache-2.0
// The timestamp authority: RFC 3161 requests in, CMS-signed time stamps out, with genTime in whole seconds.
// Requests are untrusted. RFC 3161 §2.4, RFC 5652 §5, RFC 5816 (ESSCertIDv2).
import { createHash, type KeyObject, sign, X509Certificate } from "node:crypto";
import { authorityValidity, type Issuer, SANDBOX_NAME } from "./certificate-authority.ts";
import {
  boolean,
  certificateTime,
  children,
  context,
  DerError,
  expectTag,
  generalizedTime,
  integer,
  nullValue,
  octetString,
  oid,
  readDer,
  sequence,
  setOf,
  TAG,
  tlv,
} from "./der.ts";
import { DIGEST_BYTES } from "./prehash.ts";
import { openApiRefusal, Refusal, type Route } from "./server.ts";
import {
  authorityKeyIdentifier,
  ecdsaAlgorithm,
  encodeName,
  extendedKeyUsage,
  keyUsage,
  OID,
  pemOf,
  randomSerial,
  signCertificate,
  spkiOf,
  subjectKeyIdentifier,
} from "./x509.ts";

const DIGEST_OIDS = {
  sha256: "2.16.840.1.101.3.4.2.1",
  sha384: "2.16.840.1.101.3.4.2.2",
  sha512: "2.16.840.1.101.3.4.2.3",
} as const;
type Digest = keyof typeof DIGEST_OIDS;

const SIGNED_DATA = "1.2.840.113549.1.7.2";
const TST_INFO = "1.2.840.113549.1.9.16.1.4";
const CONTENT_TYPE = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const SIGNING_TIME = "1.2.840.113549.1.9.5";
const SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";
const POLICY = "1.3.6.1.4.1.57264.2";

/** Key and certificate that sign stamps, with the root above. */
export interface TimestampAuthority {
  readonly key: KeyObject;
  readonly certificate: Uint8Array;
  readonly root: Issuer;
}

/** The leaf's certificate: critical, sole purpose time stamping. RFC 3161 §2.3. */
export function timestampCertificate(options: {
  key: KeyObject;
  root: Omit<Issuer, "certificate">;
  created: Date;
}): Buffer {
  const spki = spkiOf(options.key);
  const fields = {
    serial: randomSerial(),
    issuer: options.root.subject,
    subject: { organization: SANDBOX_NAME, commonName: `${SANDBOX_NAME}-timestamp` },
    ...authorityValidity(options.created),
    spki,
    extensions: [
      keyUsage(0),
      extendedKeyUsage([OID.timeStamping], true),
      subjectKeyIdentifier(spki),
      authorityKeyIdentifier(spkiOf(options.root.key)),
    ],
  };
  return signCertificate(fields, options.root.key);
}

/** What a stamp states. */
export interface StampContent {
  readonly digest: Digest;
  readonly messageDigest: Uint8Array;
  readonly time: Date;
  /** INTEGER octets of the request's nonce. */
  readonly nonce?: Uint8Array;
  /** Default true. */
  readonly includeCertificates?: boolean;
}

/** A TimeStampResp that grants the stamp, DER; the time is cut to whole seconds. */
export function stamp(authority: TimestampAuthority, content: StampContent): Buffer {
  const info = sequence(
    integer(1),
    oid(POLICY),
    sequence(algorithm(content.digest), octetString(content.messageDigest)),
    integer(randomSerial()),
    generalizedTime(content.time),
    ...(content.nonce === undefined ? [] : [tlv(TAG.integer, content.nonce)]),
  );
  const { digest, identifier } = ecdsaAlgorithm(authority.key);
  const attributes = signedAttributes(authority, { info, digest, time: content.time });
  const signer = sequence(
    integer(1),
    sequence(
      encodeName(authority.root.subject),
      integer(Buffer.from(new X509Certificate(authority.certificate).serialNumber, "hex")),
    ),
    algorithm(digest),
    tlv(0xa0, attributes.subarray(headerLength(attributes))),
    identifier,
    octetString(sign(digest, attributes, authority.key)),
  );
  const certificates =
    content.includeCertificates === false ? [] : [context(0, authority.certificate, authority.root.certificate)];
  const signedData = sequence(
    integer(3),
    setOf(algorithm(digest)),
    sequence(oid(TST_INFO), context(0, octetString(info))),
    ...certificates,
    setOf(signer),
  );
  return sequence(sequence(integer(0)), sequence(oid(SIGNED_DATA), context(0, signedData)));
}

/** A stamp over data, as a bundle holds it, with SHA-256 unless told otherwise. */
export function stampData(
  authority: TimestampAuthority,
  data: Uint8Array,
  content: { time: Date; digest?: Digest; includeCertificates?: boolean },
): Buffer {
  const digest = content.digest ?? "sha256";
  return stamp(authority, { ...content, digest, messageDigest: createHash(digest).update(data).digest() });
}

function algorithm(digest: Digest): Buffer {
  return sequence(oid(DIGEST_OIDS[digest]));
}

/** The SET whose encoding is signed; in the SignerInfo it carries an implicit tag instead. RFC 5652 §5.4. */
function signedAttributes(
  authority: TimestampAuthority,
  content: { info: Uint8Array; digest: Digest; time: Date },
): Buffer {
  const attribute = (type: string, value: Uint8Array): Buffer => sequence(oid(type), setOf(value));
  const certificateHash = createHash("sha256").update(authority.certificate).digest();
  return setOf(
    attribute(CONTENT_TYPE, oid(TST_INFO)),
    attribute(MESSAGE_DIGEST, octetString(createHash(content.digest).update(content.info).digest())),
    attribute(SIGNING_TIME, certificateTime(content.time)),
    attribute(SIGNING_CERTIFICATE_V2, sequence(sequence(sequence(octetString(certificateHash))))),
  );
}

function headerLength(encoded: Uint8Array): number {
  return encoded.length - readDer(encoded).content.length;
}

interface StampRequest {
  readonly digest: Digest;
  readonly messageDigest: Uint8Array;
  readonly nonce?: Uint8Array;
  readonly includeCertificates: boolean;
}

/** Throws Refusal 400 for anything that is not a request this authority grants. */
function parseRequest(body: Uint8Array): StampRequest {
  try {
    const [version, imprint, ...optional] = children(expectTag(readDer(body), TAG.sequence));
    if (expectTag(version, TAG.integer).content[0] !== 1) throw new Refusal(400, "request version is not 1");
    const [hash, message] = children(expectTag(imprint, TAG.sequence));
    const digest = knownDigest(children(expectTag(hash, TAG.sequence)).map(({ raw }) => raw));
    const messageDigest = expectTag(message, TAG.octetString).content;
    if (messageDigest.length !== DIGEST_BYTES[digest]) {
      throw new Refusal(400, `${digest} digest must have ${DIGEST_BYTES[digest]} bytes, has ${messageDigest.length}`);
    }
    const tags = optional.map(({ tag }) => tag);
    const order = [TAG.oid, TAG.integer, TAG.boolean].filter((tag) => tags.includes(tag));
    if (tags.join() !== order.join()) throw new Refusal(400, "request has extensions or fields out of order");
    const policy = optional.find(({ tag }) => tag === TAG.oid);
    if (policy !== undefined && !oid(POLICY).equals(policy.raw)) throw new Refusal(400, "policy is not supported");
    const nonce = optional.find(({ tag }) => tag === TAG.integer)?.content;
    const includeCertificates = optional.some(({ raw }) => boolean(true).equals(raw));
    return { digest, messageDigest, includeCertificates, ...(nonce === undefined ? {} : { nonce }) };
  } catch (cause) {
    if (cause instanceof DerError) throw new Refusal(400, "request cannot be parsed", { cause });
    throw cause;
  }
}

/** Parameters of the algorithm are absent or NULL. */
function knownDigest([identifier = Uint8Array.of(), ...parameters]: readonly Uint8Array[]): Digest {
  const plain = parameters.length === 0 || (parameters.length === 1 && nullValue().equals(parameters[0] ?? identifier));
  const names: readonly Digest[] = ["sha256", "sha384", "sha512"];
  const digest = names.find((name) => oid(DIGEST_OIDS[name]).equals(identifier));
  if (digest === undefined || !plain) throw new Refusal(400, "digest algorithm is not supported");
  return digest;
}

export function timestampRoutes(
  authority: TimestampAuthority,
  options: { clock: () => Date; count: () => void },
): readonly Route[] {
  return [
    {
      id: "timestamp.stamp",
      method: "POST",
      path: /^\/api\/v1\/timestamp$/,
      maxBytes: 64 * 1024,
      refusalBody: openApiRefusal,
      handle({ headers, body }) {
        if (headers["content-type"] !== "application/timestamp-query") {
          throw new Refusal(415, "content type must be application/timestamp-query");
        }
        const reply = stamp(authority, { ...parseRequest(body), time: options.clock() });
        options.count();
        return { status: 201, headers: { "content-type": "application/timestamp-reply" }, body: reply };
      },
    },
    {
      id: "timestamp.chain",
      method: "GET",
      path: /^\/api\/v1\/timestamp\/certchain$/,
      maxBytes: 0,
      refusalBody: openApiRefusal,
      handle: () => ({ status: 200, body: `${pemOf(authority.certificate)}${pemOf(authority.root.certificate)}` }),
    },
  ];
}
