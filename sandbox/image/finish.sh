#!/bin/sh
# Runs in the build's last stage: fonts, the supervisor compiled, nothing left that raises privileges.
set -eu
python=$(command -v python3)
printf 'import sys\n\nsys.path.insert(0, "/opt/handoff")\nfrom supervisor.main import main\n\nmain()\n' >/opt/handoff/start.py
"$python" -m compileall -q --invalidation-mode unchecked-hash /opt/handoff
# The official images come without the standard library's bytecode, and a read-only root can't take it later.
"$python" -c '
import compileall, re, sysconfig
unused = re.compile("/(test|tests|idlelib|lib2to3|site-packages|dist-packages)/")
compileall.compile_dir(sysconfig.get_path("stdlib"), quiet=2, workers=0, rx=unused)
'
# Where matplotlib and Pillow look for fonts; matplotlib's list of them is made here, since that takes seconds.
mkdir -p /usr/share/fonts /opt/handoff/matplotlib
find /opt/packages/manimgx_fonts /opt/packages/noto_cjk_sans_otc -name '*.tt[cf]' -exec ln -s {} /usr/share/fonts/ \;
MPLCONFIGDIR=/opt/handoff/matplotlib "$python" -c 'import matplotlib.font_manager'
for name in pip pip3; do
    rm -f "/usr/bin/$name" "/usr/local/bin/$name"
    printf '#!/bin/sh\nexec python3 -m pip "$@"\n' >"/usr/local/bin/$name"
    chmod 755 "/usr/local/bin/$name"
done
[ -e /usr/local/bin/python ] || ln -s "$python" /usr/local/bin/python
# A program has one pip, in /opt/handoff/pip; what else installs need not be kept free of faults.
for folder in /usr/lib/python3/dist-packages /usr/local/lib/python3.*/site-packages /usr/local/lib/python3.*; do
    for name in pip setuptools wheel pkg_resources ensurepip _distutils_hack distutils-precedence.pth; do
        rm -rf "$folder/$name" "$folder/$name"-*
    done
done
find / -xdev -perm /6000 -type f -exec chmod a-s {} +
mkdir -p /work /mnt
chown 65534:65534 /work
# Where programs written for other sandboxes look for their files.
ln -s /work /mnt/data
ln -s /work /content
rm -rf /opt/handoff/finish.sh /var/lib/apt/lists/* /var/cache/apt/*
