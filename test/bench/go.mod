module github.com/aistor-upgrade/aistor-upgrade/test/bench

go 1.26.0
