# What the scripts of both kinds of package share. The predecessor's packages have the same name, the same settings
# file, and their unit in /etc, where it would hide ours. Nothing here names a controller, and nothing disconnects one.
settings=/etc/discovery-client/discovery-client.yaml
kept="$settings.kept"
old_unit=/etc/systemd/system/discovery-client.service

# The settings in force stay in force, whether somebody had changed them or not: new defaults would move the metrics and
# the log of a host that nobody touched.
keep_settings() {
  if [ -f "$settings" ] && [ ! -e "$kept" ]; then cp -p "$settings" "$kept"; fi
}

restore_settings() {
  if [ -f "$kept" ]; then mv -f "$kept" "$settings"; fi
}

# Links that enable the unit lead to the file that is it.
point_links() {
  for link in /etc/systemd/system/*.wants/discovery-client.service /etc/systemd/system/*.requires/discovery-client.service; do
    if [ -L "$link" ] && [ "$(readlink "$link")" != "$1" ]; then ln -sfn "$1" "$link"; fi
  done
}

is_enabled() {
  for link in /etc/systemd/system/*.wants/discovery-client.service /etc/systemd/system/*.requires/discovery-client.service; do
    if [ -L "$link" ]; then return 0; fi
  done
  return 1
}

# The unit lets the agent write to a few directories; those that the predecessor's settings name are let too.
allow_directories() {
  dropin=/etc/systemd/system/discovery-client.service.d/predecessor-directories.conf
  if [ ! -f "$settings" ] || [ -e "$dropin" ]; then return 0; fi
  value='[[:space:]]*["'\'']\{0,1\}\(/[^"'\''#[:space:]]*\).*'
  {
    sed -n "s|^internalDir:$value|\1|p; s|^clientConfigDir:$value|\1|p" "$settings"
    sed -n "s|^[[:space:]]\{1,\}filename:$value|\1|p" "$settings" | sed 's|/[^/]*$||'
  } | while read -r directory; do
    case "${directory%/}/" in
      *..* | *%* | *\\*) ;;
      /etc/discovery-client/* | /var/log/* | /) ;;
      *)
        if [ ! -e "$dropin" ]; then
          mkdir -p "${dropin%/*}"
          echo "# Written when the predecessor's package was replaced, from its settings." >"$dropin"
          echo "[Service]" >>"$dropin"
        fi
        echo "ReadWritePaths=-$directory" >>"$dropin"
        ;;
    esac
  done
}

# Others that connect what discovery logs name. Controllers are shared, whoever connected them.
warn_of_rivals() {
  for rival in stafd stacd; do
    if [ -L "/etc/systemd/system/multi-user.target.wants/$rival.service" ]; then
      echo "discovery-client: $rival (nvme-stas) is enabled too. Both connect what discovery logs name, and share it." \
        "But stacd takes away what it has connected once no log names it, and with" \
        "disconnect-scope=all-connections-matching-disconnect-trtypes what others have, too. Where volumes shall stay," \
        "set disconnect-scope=no-disconnect in /etc/stas/stacd.conf" >&2
    fi
  done
  if [ -L /etc/systemd/system/multi-user.target.wants/nvme-discoverd.service ]; then
    echo "discovery-client: nvme-discoverd (nvme-cli) is enabled too. Both hold sessions and connect what discovery logs" \
      "name. One of them is enough; whoever connected a controller, both take it as it is" >&2
  fi
}

warn_of_hidden_unit() {
  if [ -f "$old_unit" ]; then
    echo "discovery-client: $old_unit hides the unit of this package. Keep what you changed" \
      "with 'systemctl edit discovery-client', and remove that file" >&2
  fi
}
