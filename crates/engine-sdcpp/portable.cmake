# The engines run on other machines than the one that builds them: AVX2 and its companions, which x86-64 machines have
# had since 2015, instead of whatever this processor has. Other architectures do not look at these.
set(GGML_NATIVE OFF CACHE BOOL "" FORCE)
set(GGML_AVX ON CACHE BOOL "" FORCE)
set(GGML_AVX2 ON CACHE BOOL "" FORCE)
set(GGML_FMA ON CACHE BOOL "" FORCE)
set(GGML_F16C ON CACHE BOOL "" FORCE)
