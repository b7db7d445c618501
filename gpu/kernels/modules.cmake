# The modules: one .cu each. Read by the build and by compile.cmake.
set(OBZ_PTX_MODULES conv1 conv16s conv16u conv4 conv8 direct layers movement pointwise probes requant softmax)
