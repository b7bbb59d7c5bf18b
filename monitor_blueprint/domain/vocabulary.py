"""Words that others say and that everybody may know: of what they say, only these leave this machine."""

from __future__ import annotations

import builtins

# org.freedesktop.systemd1(5), systemd.unit(5), systemd.service(5): LoadState, ActiveState, SubState, Result, job types.
LOAD_STATES = ("stub", "loaded", "not-found", "bad-setting", "error", "merged", "masked")
ACTIVE_STATES = ("active", "reloading", "inactive", "failed", "activating", "deactivating", "maintenance", "refreshing")
SUB_STATES = (
    *ACTIVE_STATES,
    "dead",
    "condition",
    "start-pre",
    "start",
    "start-post",
    "running",
    "exited",
    "reload",
    "reload-signal",
    "reload-notify",
    "mounting",
    "stop",
    "stop-watchdog",
    "stop-sigterm",
    "stop-sigkill",
    "stop-post",
    "final-watchdog",
    "final-sigterm",
    "final-sigkill",
    "dead-before-auto-restart",
    "failed-before-auto-restart",
    "dead-resources-pinned",
    "auto-restart",
    "auto-restart-queued",
    "cleaning",
    "elapsed",
    "waiting",
    "mounted",
    "mounting-done",
    "remounting",
    "unmounting",
    "plugged",
    "tentative",
    "listening",
    "start-chown",
    "abandoned",
)
RESULTS = (
    "success",
    "resources",
    "protocol",
    "timeout",
    "exit-code",
    "signal",
    "core-dump",
    "watchdog",
    "start-limit-hit",
    "exec-condition",
    "oom-kill",
    "canceled",
    "dependency",
    "skipped",
    "assert",
    "done",
    "failed",
    "invalid",
    "unsupported",
    "collected",
    "once",
    "unmount",
    "restart",
)
# EXIT_CODE and EXIT_STATUS of the journal: sigaction(2), and the statuses of systemd.exec(5) and signal(7).
PROCESSES = ("Main process", "Control process")
UNIT_COMMANDS = ("ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost")
EXIT_CODES = ("exited", "killed", "dumped", "trapped", "stopped", "continued")
_SIGNALS = """
    HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ
    VTALRM PROF WINCH IO PWR SYS
"""
EXIT_STATUSES = tuple(_SIGNALS.split())
# The names that D-Bus gives its errors (without "org.freedesktop."), and systemd its own.
_BUS_ERRORS = """
    Failed NoMemory ServiceUnknown NameHasNoOwner NoReply IOError BadAddress NotSupported LimitsExceeded AccessDenied AuthFailed
    NoServer Timeout NoNetwork AddressInUse Disconnected InvalidArgs FileNotFound FileExists UnknownMethod UnknownObject
    UnknownInterface UnknownProperty PropertyReadOnly TimedOut InvalidSignature InconsistentMessage
    InteractiveAuthorizationRequired
"""
_SYSTEMD_ERRORS = "NoSuchUnit LoadFailed UnitMasked JobFailed ShuttingDown"
BUS_ERRORS = (
    *(f"org.freedesktop.DBus.Error.{name}" for name in _BUS_ERRORS.split()),
    *(f"org.freedesktop.systemd1.{name}" for name in _SYSTEMD_ERRORS.split()),
)

# What a site says of itself, and what it calls the things it looks at.
HEALTH_WORDS = (
    *("healthy", "unhealthy", "ok", "pass", "fail", "failed", "failing", "warn", "warning", "up", "down", "alive", "dead"),
    *("degraded", "error", "critical", "unknown", "unavailable", "available", "starting", "stopping", "stopped", "maintenance"),
    *("ready", "not_ready", "good", "bad", "true", "false", "success", "failure", "timeout", "offline", "online", "disabled"),
)
HEALTH_ENTRIES = (
    *("database", "db", "default", "postgres", "postgresql", "mysql", "mariadb", "sqlite", "mongo", "mongodb", "replica"),
    *("cache", "redis", "memcached", "session", "sessions", "celery", "celery_ping", "worker", "workers", "broker", "rabbitmq"),
    *("kafka", "queue", "queues", "beat", "scheduler", "cron", "jobs", "tasks", "disk", "disk_usage", "diskSpace", "memory"),
    *("memory_usage", "cpu", "load", "swap", "storage", "media", "media_storage", "static", "static_storage", "files", "s3"),
    *("minio", "filesystem", "backup", "ml", "ml_server", "model", "models", "flask", "django", "nginx", "gunicorn", "api"),
    *("auth", "ldap", "oauth", "email", "mail", "smtp", "sms", "slack", "search", "elasticsearch", "opensearch", "migrations"),
    *("pacs", "orthanc", "dicom", "fhir", "hl7", "network", "dns", "ntp", "time", "clock", "tls", "certificate", "uptime"),
    *("health", "ping", "livenessState", "readinessState", "upstream", "proxy", "gateway", "vault", "config", "version", "logs"),
)

# Programs that the kernel may have killed: anybody can call a process anything.
PROGRAMS = (
    *("nginx", "gunicorn", "gunicorn: maste", "gunicorn: worke", "uwsgi", "uvicorn", "hypercorn", "daphne", "celery", "python"),
    *("python3", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "postgres", "postmaster", "mysqld"),
    *("mariadbd", "redis-server", "valkey-server", "memcached", "mongod", "beam.smp", "java", "node", "php-fpm", "ruby"),
    *("apache2", "httpd", "caddy", "haproxy", "traefik", "docker", "dockerd", "containerd", "containerd-shim", "podman"),
    *("conmon", "runc", "sshd", "sshd-session", "systemd", "systemd-journal", "systemd-logind", "systemd-udevd"),
    *("systemd-resolve", "systemd-network", "dbus-daemon", "cron", "rsyslogd", "apt-get", "apt", "dpkg", "unattended-upgr"),
    *("mandb", "bash", "sh", "dash", "rsync", "tar", "gzip", "xz", "zstd", "pg_dump", "mysqldump", "mariadb-dump", "borg"),
    *("restic", "clamd", "freshclam", "snapd", "packagekitd", "fwupd", "multipathd", "prometheus", "grafana", "node_exporter"),
    *("stress", "stress-ng", "chrome", "chromium", "firefox", "convert", "ffmpeg", "Orthanc", "elasticsearch", "exim4"),
    *("master", "qmgr", "smtpd", "dovecot", "fail2ban-server", "certbot", "logrotate", "mlserver", "litserve", "bentoml"),
)

# Names of exceptions. Anybody can make a program print any word; these are words of libraries.
_EXCEPTIONS = """
    OperationalError InterfaceError DatabaseError DataError IntegrityError InternalError ProgrammingError NotSupportedError
    StatementError DBAPIError DisconnectionError ImproperlyConfigured AppRegistryNotReady ObjectDoesNotExist DoesNotExist
    MultipleObjectsReturned FieldDoesNotExist FieldError ValidationError SuspiciousOperation DisallowedHost PermissionDenied
    RequestDataTooBig TooManyFieldsSent TransactionManagementError TemplateDoesNotExist TemplateSyntaxError NoReverseMatch
    BadRequest NotFound MethodNotAllowed InternalServerError ServiceUnavailable GatewayTimeout HTTPError HTTPException
    RequestException ConnectTimeout ReadTimeout SSLError ProxyError InvalidURL ChunkedEncodingError ContentDecodingError
    MaxRetryError NewConnectionError ProtocolError LocationParseError BadStatusLine IncompleteRead RemoteDisconnected
    WorkerTimeout HaltServer AppImportError ConfigError PoolError PoolTimeout BusyLoadingError ResponseError ReadOnlyError
    RedisError WorkerLostError SoftTimeLimitExceeded TimeLimitExceeded MaxRetriesExceededError TaskRevokedError JSONDecodeError
    DecodeError MsgspecError LinAlgError NoSuchFile InvalidGraph InvalidProtobuf InvalidArgument RuntimeException NotImplemented
    OutOfMemoryError CalledProcessError SubprocessError TimeoutExpired BrokenProcessPool QueueFull CancelledError
    InvalidStateError SMTPException SMTPServerDisconnected SMTPAuthenticationError gaierror UnpicklingError PicklingError
    NoCredentialsError ClientError EndpointConnectionError NoSuchKey NoSuchBucket
    UniqueViolation ForeignKeyViolation NotNullViolation CheckViolation DeadlockDetected SerializationFailure UndefinedTable
    UndefinedColumn TooManyConnections AdminShutdown DiskFull InFailedSqlTransaction QueryCanceled LockNotAvailable
    InvalidTextRepresentation StringDataRightTruncation InsufficientPrivilege CannotConnectNow
    NullPointerException IllegalStateException IllegalArgumentException ClassNotFoundException NoClassDefFoundError
    ConcurrentModificationException IndexOutOfBoundsException ArrayIndexOutOfBoundsException ClassCastException IOException
    FileNotFoundException SocketException SocketTimeoutException ConnectException BindException UnknownHostException EOFException
    SQLException SQLTimeoutException SQLTransientConnectionException StackOverflowError ExecutionException TimeoutException
    InterruptedException UncheckedIOException DataAccessException BeanCreationException NullReferenceException
    InvalidOperationException HttpRequestException SqlException ReferenceError RangeError AggregateError UnhandledPromiseRejection
    ECONNREFUSED ECONNRESET EADDRINUSE ETIMEDOUT ENOTFOUND EPIPE EMFILE ENOMEM ENOSPC EACCES ENOENT EROFS EPERM
    PDOException ErrorException ActiveRecordError StandardError NoMethodError LoadError panic panicked
"""
_BUILT_IN = (name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException))
EXCEPTIONS = frozenset((*_BUILT_IN, *_EXCEPTIONS.split()))

# The first words that SQLite's errors consist of (sqlite3_errstr).
DATABASE_PROBLEMS = (
    "not an error",
    "access permission denied",
    "query aborted",
    "database is locked",
    "database table is locked",
    "out of memory",
    "attempt to write a readonly database",
    "interrupted",
    "disk I/O error",
    "database disk image is malformed",
    "unknown operation",
    "database or disk is full",
    "unable to open database file",
    "locking protocol",
    "database schema has changed",
    "string or blob too big",
    "constraint failed",
    "datatype mismatch",
    "large file support is disabled",
    "authorization denied",
    "file is not a database",
)

# Who issues certificates, as their names stand in them.
CERTIFICATE_ISSUERS = (
    *("Let's Encrypt", "ZeroSSL", "Google Trust Services", "Google Trust Services LLC", "DigiCert Inc", "DigiCert, Inc."),
    *(
        "Sectigo Limited",
        "COMODO CA Limited",
        "GlobalSign nv-sa",
        "GoDaddy.com, Inc.",
        "Amazon",
        "Cloudflare, Inc.",
        "SSL Corporation",
    ),
    *("Entrust, Inc.", "Thawte, Inc.", "RapidSSL", "AlphaSSL", "Certum", "Actalis S.p.A.", "Microsoft Corporation"),
)

# Why a certificate is not trusted (X509_verify_cert_error_string(3)). A wrong name is told with that name, and is not among them.
CERTIFICATE_PROBLEMS = (
    "unable to get issuer certificate",
    "unable to get local issuer certificate",
    "unable to verify the first certificate",
    "self-signed certificate",
    "self signed certificate",
    "self-signed certificate in certificate chain",
    "self signed certificate in certificate chain",
    "certificate has expired",
    "certificate is not yet valid",
    "certificate signature failure",
    "certificate chain too long",
    "certificate revoked",
    "invalid CA certificate",
    "certificate not trusted",
    "certificate rejected",
    "unsuitable certificate purpose",
    "unsupported certificate purpose",
    "path length constraint exceeded",
    "CA signature digest algorithm too weak",
    "EE certificate key too weak",
    "CA certificate key too weak",
    "subject issuer mismatch",
    "Missing Authority Key Identifier",
    "Missing Subject Key Identifier",
)

_ANSWER_WORDS = """
    2fa a about accept accepted access action_prohibited address addresses after again alert_email alias all already and
    answer answers any are argument as ascii at auth authenticate authentication authorized bad be been began blocked body
    broken busy but by can cannot certificate channel channel_is_archived channel_not_found clear code command config_error
    connect connection could credentials currently daily deferred delivered delivery denied descriptor did directory
    disabled disk does domain down due encrypted encryption end ended endpoint error exceeded except exit expired failed
    fails failure fault few file first follow for forbidden format found from full gateway greylisted greylisting has helo
    host http in incorrect install internal invalid invalid_auth invalid_blocks invalid_payload invalid_token is it its
    known larger later lets limit limited listens local login lookup machine mail mailbox mailutils many max maximum message
    messages mode moved must name needs network no no_permission no_service no_team no_text nobody nonexistent not not_found
    nothing notifier of off offered offers ok on one only open operation or other out outside overloaded password peer
    permanent permfail permission pipe plain policy posting_to_general_channel_denied program protocol proxy queue quota
    rate_limited ratelimited reached read recipient recipients refused rejected relay relaying required requires reset
    resolution resource retry returned rfc rollup_error route s seconds secure see self-signed send sender sendmail sent
    server service session set signed size slack slack's slow smtp smtp_host smtp_password smtp_port smtp_tls smtp_user
    socket space spam ssl starttls status still storage such sufficient supported syntax system team_disabled tempfail
    temporarily temporary text that the there this time timed timedout timeout tls to too too_many_attachments transaction
    transient try type unable unavailable unencrypted unexpected unknown unreachable unrouteable until up usage use user
    user_not_found username valid verification verify waiting was web went which will with within without wrong you your
"""
# What channels answer, and what we say of them: of an answer, only these words are repeated where others read it.
ANSWER_WORDS = frozenset(_ANSWER_WORDS.split())

_FILE_SYSTEMS = """
    adfs affs afs apfs autofs bcachefs btrfs ceph cifs cramfs devtmpfs ecryptfs efivarfs erofs exfat ext2 ext3 ext4 f2fs fat fuse
    fuseblk fuse.sshfs fuse.s3fs fuse.rclone fuse.glusterfs fuse.ntfs-3g fuse.mergerfs gfs2 glusterfs hfs hfsplus hugetlbfs
    iso9660 jfs lustre minix msdos nfs nfs4 nilfs2 ntfs ntfs3 ocfs2 overlay proc ramfs reiserfs rootfs shiftfs smb3 squashfs
    sysfs tmpfs ubifs udf vfat virtiofs 9p xfs zfs
"""
FILE_SYSTEMS = tuple(_FILE_SYSTEMS.split())
