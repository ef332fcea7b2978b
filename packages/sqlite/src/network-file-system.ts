/**
 * File systems over a network, by the type number that statfs gives on Linux
 * (https://man7.org/linux/man-pages/man2/statfs.2.html): their locks and shared memory do not hold what
 * SQLite's WAL mode needs (https://sqlite.org/wal.html).
 */
const networkTypes: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x564c, "NCP"],
  [0x73757245, "Coda"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x00c36400, "Ceph"],
  [0x01021997, "9P"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x19830326, "BeeGFS"],
  [0x786f4256, "VirtualBox shared folder"],
]);

const fuseType = 0x65735546;
const networkFuse =
  /^fuse\.(sshfs|rclone|s3fs|gcsfuse|glusterfs|goofys|davfs2?|cephfs|curlftpfs|smbnetfs|blobfuse2?)/;

/**
 * The name of the network file system behind a statfs type, or undefined for a local one. A FUSE mount says by
 * its name in the table of mounts (such as `fuse.sshfs`) what it is.
 */
export function networkFileSystem(type: number, mountType?: string): string | undefined {
  // Some platforms give the number signed.
  const unsigned = type >>> 0;
  if (unsigned !== fuseType) return networkTypes.get(unsigned);
  return networkFuse.exec(mountType ?? "")?.[1];
}

/** The type of the mount that holds `path`, from the text of `/proc/self/mountinfo`. */
export function mountTypeOf(path: string, mountInfo: string): string | undefined {
  let best = "";
  let found: string | undefined;
  for (const line of mountInfo.split("\n")) {
    const [left, right] = line.split(" - ");
    const point = unescapeOctal(left?.split(" ")[4] ?? "");
    const inside = point === "/" || path === point || path.startsWith(`${point}/`);
    if (point === "" || !inside || point.length < best.length) continue;
    best = point;
    found = right?.split(" ")[0];
  }
  return found;
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(parseInt(digits, 8)),
  );
}
