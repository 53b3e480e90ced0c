//! The file that a new worker starts with.

/// Every setting with its default and what it means; the registration is added at the end by the worker.
pub(super) const TEMPLATE: &str = r#"# Settings of studio-worker.
# The worker keeps comments and unknown keys when it writes to this file.
# Every setting can be overridden by a variable: STUDIO_WORKER_ and the key in capitals.

# Where the studio is reached.
api_base_url = "http://127.0.0.1:4780"

# Device memory that jobs may use, GiB. Unset: all of the GPU's, or half of the system's memory without a GPU.
# vram_threshold_gb = 8.0

# Where model files lie. Unset: the platform's data folder, or `models` beside a file named by --config.
# models_root = "/data/models"

# Take jobs only while nobody uses the machine.
only_when_idle = false

# Take no jobs at all.
paused = false

# Let the studio's operator pause, resume and drain this worker.
remote_control = true

# Jobs of one kind at once.
slots = 1

# After SIGTERM or Ctrl-C: how long a running job may go on before it is given back.
shutdown_grace_secs = 5

# Reconnect attempts after a failure; 0 for no limit.
ws_reconnect_attempts = 0

# Log files, kept for a week. Unset: `logs` beside this file.
# log_dir = "/var/log/studio-worker"

# Engine programs, each named studio-engine-NAME. The synthetic engine is built in.
# engines_dir = "/opt/studio-engines"
"#;
