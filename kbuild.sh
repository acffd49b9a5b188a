node_modules/.bin/asc --config asconfig.json --target release -o /tmp/core.wasm -t /tmp/core.wat && ls -la /tmp/core.wasm; grep -c "^ (data " /tmp/core.wat; grep "(start\|(global.*mut" /tmp/core.wat
