#!/bin/sh
# Says "icu" when the image's PostgreSQL, the one that start.sh starts, is built with it, and of each locale
# in WAQITI_LOCALES that its C library has, "locale", the name and its encoding.
PATH=$PATH:/usr/lib/postgresql/$WAQITI_VERSION/bin
! ldd "$(command -v postgres)" 2>/dev/null | grep -q libicui18n || echo icu
for name in $WAQITI_LOCALES; do
    if [ "$name" = C ] || [ "$name" = POSIX ] || ! command -v locale >/dev/null; then
        # These two fit any encoding; a C library without the command (musl) knows nothing but UTF-8.
        echo "locale $name UTF-8"
    else
        said=$(LC_ALL=$name locale charmap 2>&1)
        case $said in
        *" "*) ;; # "locale: Cannot set LC_CTYPE to default locale: ..."
        *) echo "locale $name $said" ;;
        esac
    fi
done
