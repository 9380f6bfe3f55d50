"""On which file system a file lies."""

from __future__ import annotations

import re
from pathlib import Path

NETWORK_FILESYSTEMS = frozenset(
    {
        *("afs", "beegfs", "ceph", "cifs", "coda", "davfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs"),
        *("panfs", "pvfs2", "smb", "smb2", "smb3", "smbfs"),
        *("fuse.beegfs", "fuse.ceph", "fuse.gcsfuse", "fuse.glusterfs", "fuse.juicefs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
    }
)


def network_filesystem(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str | None:
    """The type of the network file system that a path lies on; None on a local one, or where the system does not say (only Linux does)."""
    try:
        table = mounts.read_text(errors="surrogateescape")
    except OSError:
        return None
    folder = path.resolve().parent
    best, kind = -1, ""
    for line in table.splitlines():
        _, point, this_kind, *_ = line.split(" ")
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point)  # spaces and the like are written so
        depth = len(Path(point).parts)
        if folder.is_relative_to(point) and depth >= best:  # a later mount on the same point hides the earlier
            best, kind = depth, this_kind
    return kind if kind in NETWORK_FILESYSTEMS else None
