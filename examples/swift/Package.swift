// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "CJoTrack",
    products: [.library(name: "CJoTrack", targets: ["CJoTrack"])],
    targets: [.systemLibrary(name: "CJoTrack", pkgConfig: "jotrack")]
)
