/work/main/build/obj/libpal/relocate.c.o: src/relocate.c include/pal.h \
 ../uapi/pico/drawbridge.h ../uapi/pico/dk_abi.h ../uapi/pico/pico.h
include/pal.h:
../uapi/pico/drawbridge.h:
../uapi/pico/dk_abi.h:
../uapi/pico/pico.h:
