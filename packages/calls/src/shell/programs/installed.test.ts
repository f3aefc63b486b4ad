import { describe, expect, it } from 'vitest'
import { isOrdinary } from '../../facts/ordinary.support.js'

describe('what was built', () => {
  it.each([
    ['make install', 'make install DESTDIR=./out'],
    ['make -C build install', 'make PREFIX=out install'],
    ['make install DESTDIR=', 'DESTDIR=out make install'],
    ['env make install-strip', 'make install-deps install-dev install-hooks'],
    ['make install prefix=$HOME/.local', 'make install prefix=$PWD/out'],
    ['timeout 60 gmake -j4 all install', 'make installcheck'],
    ['ninja -C build install', 'ninja -C install'],
    ['cmake --build . --target install', 'cmake --build . --target test'],
    ['cmake --build b --target=install/strip', 'cmake --build install'],
    ['cmake --build b -t all install', 'DESTDIR=out cmake --build b -t install'],
    ['cmake --build b -- -j4 install', 'cmake --build b -- -j4'],
    ['make -j2 install', 'make -kn install'],
    ['make -fn install', 'make --dry-run install'],
    ['make install -- -n', 'make install -n'],
    ['PREFIX=out make install', 'make install PREFIX=out'],
    ['make altinstall', 'make altinstall prefix=out'],
    ['PREFIX=out ninja install', 'DESTDIR=out ninja install'],
    ['cmake --install b', 'cmake --install b --prefix out'],
    ['cmake --install b --prefix ../x', 'cmake --install b --prefix=out'],
    ['meson install -C b', 'meson install -C b --destdir out'],
    ["sh -c 'make install'", "sh -c 'make'"],
    ['T=install; make $T', 'T=all; make $T'],
  ])('is put where programs of the machine lie by %s, and not by %s', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })
})

describe('an empty word', () => {
  it.each([
    ["touch '' /etc/x", "touch '' x"],
    ["tee '' ../x", "tee '' x"],
    ["mkdir '' ../x", 'mkdir "" x'],
  ])('is no option that takes the next one: %s, %s', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })
})
