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

# Jobs of one kind at once. Unset: what its engine runs side by side, one picture or eight chats.
# slots = 1

# After SIGTERM or Ctrl-C: how long a running job may go on before it is given back.
shutdown_grace_secs = 5

# Reconnect attempts after a failure; 0 for no limit.
ws_reconnect_attempts = 0

# Log files, kept for a week. Unset: `logs` beside this file.
# log_dir = "/var/log/studio-worker"

# Engine programs, each named studio-engine-NAME, beside those that lie beside this worker's own program.
# engines_dir = "/opt/studio-engines"

# Where the window, the commands and local programs reach this worker, on this machine only; 0 for any free port.
# local_api_port = 4787

# Days that jobs stay in the history (history.db beside this file: who asked, the beginning of the prompt, the log, a small
# picture); 0 to keep none.
# history_days = 30

# Which engines are used. Unset: every one that is found.
# engines = ["sd-cpp", "llama-cpp", "sherpa-onnx", "synthetic"]

# Memory that is left alone when a model is loaded, GiB.
# memory_reserve_gb = 1.0

# A model without a job for this long leaves memory; resident ones are loaded at the start and stay.
# model_idle_secs = 300
# resident_models = ["z-image-turbo"]

# What model files may take on the disk, GiB; the longest unused ones leave. Unset: what the disk has.
# disk_cap_gb = 200

# All downloads together, megabits a second. Unset: without a limit.
# download_limit_mbps = 100

# Threads that each engine may compute with. Unset: all processors.
# engine_threads = 4

# How long an engine may be silent before it is taken for dead: at its start, while it loads a model, while a job runs.
# engine_start_limit_secs = 30
# engine_load_limit_secs = 600
# engine_step_limit_secs = 300
"#;
