import { succeeded, type Outcome } from '../../../contracts/failure';
import { damaged, notVhdx, truncated } from '../failures';
import type { DiskFile } from '../file';
import type { ParentLink } from '../image';
import { overlapping, roundUp, type Span } from '../vhdx/numbers';
import { decodeFooter, type DecodedFooter, type Footer } from './footer';
import { decodeHeader, type DynamicHeader } from './header';
import { entryBytes, footerBytes, headerBytes, sectorBytes, virtualSizeBytesMax } from './layout';
import { decodeParent } from './parent';

/** How a footer and the copy of it were found. */
export type FooterStates = {
  readonly end: DecodedFooter['state'];
  /** Undefined in a fixed disk, which has no copy. `other`: intact, and not equal to the one at the end. */
  readonly copy: DecodedFooter['state'] | 'other' | undefined;
};

/** A VHD whose footer and header are read and checked; its blocks are not looked at yet. */
export type ParsedVhd = {
  readonly file: DiskFile;
  readonly footer: Footer;
  readonly states: FooterStates;
  /** Undefined in a fixed disk. */
  readonly dynamic: ParsedDynamic | undefined;
};

export type ParsedDynamic = {
  readonly header: DynamicHeader;
  readonly headerOffsetBytes: number;
  readonly parent: ParentLink | undefined;
  /** Everything that stands below the blocks: the copy of the footer, the header, the table, the locators. */
  readonly spans: readonly Span[];
};

async function readAt(file: DiskFile, offsetBytes: number, lengthBytes: number): Promise<Buffer> {
  const bytes = Buffer.alloc(lengthBytes);
  await file.read(bytes, offsetBytes);
  return bytes;
}

/** Reads what says what a file is. The file is not changed. Failures: `DiskNotVhdx`, `DiskTruncated`, `DiskDamaged`. */
export async function parseVhd(file: DiskFile): Promise<Outcome<ParsedVhd>> {
  if (file.sizeBytes < footerBytes) return notVhd('is shorter than the footer of a VHD');
  const end = decodeFooter(await readAt(file, file.sizeBytes - footerBytes, footerBytes));
  const start = decodeFooter(await readAt(file, 0, footerBytes));
  const footer = chooseFooter(end, start);
  if (!footer.ok) return footer;
  const sizes = checkSize(footer.value, file.sizeBytes);
  if (!sizes.ok) return sizes;
  const { kind, headerOffsetBytes } = footer.value;
  if (kind === 'fixed' || headerOffsetBytes === undefined) {
    const states = { end: end.state, copy: undefined };
    return succeeded({ file, footer: footer.value, states, dynamic: undefined });
  }
  const dynamic = await parseDynamic(file, footer.value, headerOffsetBytes);
  if (!dynamic.ok) return dynamic;
  return succeeded({ file, footer: footer.value, states: statesOf(end, start), dynamic: dynamic.value });
}

const notVhd = (message: string) => notVhdx(message);

function statesOf(end: DecodedFooter, start: DecodedFooter): FooterStates {
  const isOther = start.state === 'intact' && end.state === 'intact' && !start.footer.raw.equals(end.footer.raw);
  return { end: end.state, copy: isOther ? 'other' : start.state };
}

/**
 * The footer at the end counts; where it is lost, as after a power loss while the file grew, the copy at the start does. A fixed disk has
 * no copy: what stands at its start is the guest's.
 */
function chooseFooter(end: DecodedFooter, start: DecodedFooter): Outcome<Footer> {
  if (end.state === 'intact') return succeeded(end.footer);
  if (start.state === 'intact' && start.footer.kind !== 'fixed') return succeeded(start.footer);
  if (end.state === 'broken') return damaged(`has a footer that cannot be used: ${end.why}`);
  if (start.state === 'broken') return damaged(`has no footer at its end, and of the copy at its start ${start.why}`);
  return notVhd('does not end with the footer of a VHD');
}

function checkSize(footer: Footer, fileSizeBytes: number): Outcome<void> {
  const { virtualSizeBytes, kind } = footer;
  if (virtualSizeBytes === 0 || virtualSizeBytes % sectorBytes !== 0)
    return damaged(`has a virtual size of ${virtualSizeBytes} bytes, not whole sectors`);
  if (virtualSizeBytes > virtualSizeBytesMax)
    return damaged(`has a virtual size of ${virtualSizeBytes} bytes; at most 2040 GiB are allowed`);
  if (kind === 'fixed' && virtualSizeBytes + footerBytes > fileSizeBytes)
    return truncated(`has ${fileSizeBytes} bytes; a disk of ${virtualSizeBytes} bytes and its footer need more`);
  return succeeded(undefined);
}

async function parseDynamic(
  file: DiskFile,
  footer: Footer,
  headerOffsetBytes: number,
): Promise<Outcome<ParsedDynamic>> {
  if (headerOffsetBytes % sectorBytes !== 0 || headerOffsetBytes < footerBytes)
    return damaged(`has its dynamic header at byte ${headerOffsetBytes}, where none may be`);
  if (headerOffsetBytes + headerBytes > file.sizeBytes)
    return truncated(`ends at byte ${file.sizeBytes}; its dynamic header is at ${headerOffsetBytes}`);
  const header = decodeHeader(await readAt(file, headerOffsetBytes, headerBytes));
  if (!header.ok) return header;
  const placed = placesOf(file, footer, headerOffsetBytes, header.value);
  if (!placed.ok) return placed;
  const parent = footer.kind === 'differencing' ? await parentOf(file, header.value) : succeeded(undefined);
  if (!parent.ok) return parent;
  return succeeded({ header: header.value, headerOffsetBytes, parent: parent.value, spans: placed.value });
}

function placesOf(
  file: DiskFile,
  { virtualSizeBytes, kind }: Footer,
  headerOffsetBytes: number,
  header: DynamicHeader,
): Outcome<Span[]> {
  const needed = Math.ceil(virtualSizeBytes / header.blockSizeBytes);
  if (header.entryCount < needed)
    return damaged(`has a block allocation table for ${header.entryCount} blocks, and ${needed} blocks`);
  if (header.tableOffsetBytes % sectorBytes !== 0)
    return damaged(`has its block allocation table at byte ${header.tableOffsetBytes}, not at a sector`);
  const spans: Span[] = [
    { what: 'copy of the footer', offsetBytes: 0, lengthBytes: footerBytes },
    { what: 'dynamic header', offsetBytes: headerOffsetBytes, lengthBytes: headerBytes },
    {
      what: 'block allocation table',
      offsetBytes: header.tableOffsetBytes,
      lengthBytes: roundUp(needed * entryBytes, sectorBytes),
    },
  ];
  for (const { code, offsetBytes, lengthBytes } of kind === 'differencing' ? header.locators : [])
    spans.push({ what: `parent locator ${code}`, offsetBytes, lengthBytes });
  const clash = overlapping(spans);
  if (clash !== undefined) return damaged(`has its ${clash[0].what} and its ${clash[1].what} in the same place`);
  const past = spans.find((span) => span.offsetBytes + span.lengthBytes > file.sizeBytes);
  return past === undefined
    ? succeeded(spans)
    : truncated(`ends at byte ${file.sizeBytes}, before the end of its ${past.what}`);
}

async function parentOf(file: DiskFile, header: DynamicHeader): Promise<Outcome<ParentLink>> {
  return decodeParent(header, ({ offsetBytes, lengthBytes }) => readAt(file, offsetBytes, lengthBytes));
}
